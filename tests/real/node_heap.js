// SPDX-License-Identifier: MIT
//
// node_heap.js MIB - a Node.js process with a full heap.
//
// 62 % of MIB are objects, strings and arrays on V8's heap, 25 % are outside
// of it: Buffers and typed arrays; the rest is what garbage needs.  Builds
// them, changes and checks them at random (which makes garbage for both
// collectors), and compares each with what the generator makes again.
//
// Start it as `node --max-old-space-size=MIB node_heap.js MIB`: without the
// option V8 lets garbage pile up to several times the size.  With
// REAL_HOLD=FILE in the environment it creates FILE when all is verified and
// waits until it is removed.
//
// Exit status: 0 right, 1 something differed, 99 bad usage.
'use strict';

const fs = require('fs');

const RECORD_BYTES = 1250;	// measured: V8 heap per record
const BUFFER_BYTES = 16384;
const WORDS = ('the order of account payment to customer and in delivery is ' +
	'for address with from this has been was not server request answer ' +
	'invoice memory shipping paid open sent back again first last')
	.split(' ');
const CITY = ['Amsterdam', 'Barcelona', 'Chicago', 'Dresden', 'Edinburgh',
	'Florence', 'Gdansk', 'Helsinki'];

let wrong = 0;

function scatter(n, salt)
{
	let h = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(salt + 7, 0x85ebca6b);

	h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
	h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
	return (h ^ (h >>> 15)) >>> 0;
}

function phrases(count)
{
	const all = [];

	for (let i = 0; i < count; i++) {
		let s = '';

		for (let k = 0; k < 5; k++)
			s += WORDS[scatter(i, k) % WORDS.length] + ' ';
		all.push(s);
	}
	return all;
}

const PHRASES = phrases(1024);

// `count` phrases with a number after each.
function text(h, count)
{
	let s = '';

	for (let i = 0; i < count; i++) {
		h = (Math.imul(h, 1664525) + 1013904223) >>> 0;
		s += PHRASES[h >>> 22] + (h >>> 6 & 0xffff) + ' ';
	}
	// A flat one-byte string, not a tree of pieces.
	return Buffer.from(s, 'latin1').latin1Slice();
}

function record(n, version)
{
	const h = scatter(n, version);

	return {
		id: n,
		version: version,
		name: `customer-${n}`,
		balance: h / 64,
		city: CITY[h % 8],
		note: text(h, 8 + h % 8),
		tags: [text(h ^ 1, 1), text(h ^ 2, 1)],
		lines: [
			{ sku: h % 100000, quantity: h % 9, price: h / 100 },
			{ sku: h % 77777, quantity: h % 7, price: h / 300 },
			{ sku: h % 55555, quantity: h % 5, price: h / 700 },
		],
		history: [n, n + 1, n + 2, h & 0xffff, h >>> 16, version],
	};
}

function same(a, b)
{
	if (a === b)
		return true;
	if (typeof a !== 'object' || typeof b !== 'object' || !a || !b)
		return false;
	for (const k in b)
		if (!same(a[k], b[k]))
			return false;
	return true;
}

// Buffers hold bytes as a protocol or a file would; typed arrays hold numbers.
function buffer(n, version)
{
	const h = scatter(n, version + 1000);

	if (n % 2 === 0) {
		const b = Buffer.allocUnsafeSlow(BUFFER_BYTES);

		for (let i = 0; i < BUFFER_BYTES; i += 16) {
			b.writeUInt32LE(h + i >>> 0, i);
			b.writeUInt32LE(0x00010002, i + 4);
			b.writeUInt32LE(Math.imul(h, i + 1) >>> 0, i + 8);
			b.writeUInt32LE(i & 0xff, i + 12);
		}
		return b;
	}
	const a = new Float64Array(BUFFER_BYTES / 8);

	for (let i = 0; i < a.length; i++)
		a[i] = (Math.imul(h, i + 1) >>> 20) / 8;
	return a;
}

function differs(what, n)
{
	if (++wrong <= 5)
		console.log(`WRONG ${what} ${n}`);
}

function check(all, n)
{
	if (!same(all.records[n], record(n, all.versions[n])))
		differs('record', n);
}

function checkBuffer(all, n)
{
	const want = buffer(n, all.bufferVersions[n]);
	const got = all.buffers[n];
	const bytes = (x) => Buffer.from(x.buffer, x.byteOffset, x.byteLength);

	if (!got || bytes(want).compare(bytes(got)) !== 0)
		differs('buffer', n);
}

function build(mib)
{
	const heap = mib * 0.62 * 1048576;
	const count = Math.floor(heap / RECORD_BYTES);
	const buffers = Math.floor(mib * 0.25 * 1048576 / BUFFER_BYTES);
	const all = {
		records: [], buffers: [],
		versions: new Uint16Array(count),
		bufferVersions: new Uint16Array(buffers),
	};

	for (let i = 0; i < count; i++)
		all.records.push(record(i, 0));
	for (let i = 0; i < buffers; i++)
		all.buffers.push(buffer(i, 0));
	return all;
}

function mutate(all)
{
	const count = all.records.length;

	for (let i = 0; i < count; i++) {
		const h = scatter(i, 5);
		const n = h % count;

		if (i % 3 === 0) {
			all.records[n] = record(n, ++all.versions[n]);
		} else if (i % 3 === 1) {
			const other = record(n, ++all.versions[n]);

			Object.assign(all.records[n], other);
		} else {
			check(all, n);
		}
		if (i % 100 === 0) {
			const b = h % all.buffers.length;

			checkBuffer(all, b);
			all.buffers[b] = buffer(b, ++all.bufferVersions[b]);
		}
	}
}

function verify(all)
{
	for (let i = 0; i < all.records.length; i++)
		check(all, i);
	for (let i = 0; i < all.buffers.length; i++)
		checkBuffer(all, i);
}

function peakMib()
{
	const s = fs.readFileSync('/proc/self/status', 'latin1');

	return Math.floor(Number(/VmHWM:\s+(\d+)/.exec(s)[1]) / 1024);
}

function hold()
{
	const path = process.env.REAL_HOLD;

	if (!path)
		return;
	fs.writeFileSync(path, '');
	const cell = new Int32Array(new SharedArrayBuffer(4));

	for (let i = 0; i < 300 && fs.existsSync(path); i++)
		Atomics.wait(cell, 0, 0, 100);
}

function main()
{
	const mib = Number(process.argv[2]);

	if (!(mib > 0)) {
		console.error('usage: node_heap.js MIB');
		return 99;
	}
	const t = [Date.now()];
	const all = build(mib);

	t.push(Date.now());
	mutate(all);
	t.push(Date.now());
	verify(all);
	t.push(Date.now());
	const s = (i) => ((t[i + 1] - t[i]) / 1000).toFixed(1) + ' s';
	const m = process.memoryUsage();

	console.log(`node ${mib} MiB in ${all.records.length} records: ` +
		`build ${s(0)}, mutate ${s(1)}, verify ${s(2)}, ` +
		`heap ${m.heapUsed >> 20} MiB, ` +
		`buffers ${m.arrayBuffers >> 20} MiB, ` +
		`VmHWM ${peakMib()} MiB, ${wrong} wrong`);
	hold();
	return wrong ? 1 : 0;
}

process.exitCode = main();
