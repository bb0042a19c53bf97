#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""sqlite_memory.py MIB - a SQLite database in memory, of about MIB.

Makes customers, orders and order lines in a `:memory:` database, indexes
them, updates a part, joins and aggregates, runs PRAGMA integrity_check, and
compares every row and the sums with what the same generator makes again.
All the memory is SQLite's: pages from malloc.  REAL_HOLD=FILE: create FILE
when all is verified and wait until it is removed.

Exit status: 0 right, 1 something differed, 99 bad usage.
"""
import os
import random
import sqlite3
import sys
import time

ORDER_BYTES = 1590      # measured: resident memory per order with all indexes
LINES = 3               # lines per order
PER_CUSTOMER = 8        # orders per customer

SCHEMA = '''
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT,
                      since TEXT, note TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER, placed TEXT,
                    status TEXT, total INTEGER, remark TEXT);
CREATE TABLE line(orders INTEGER, pos INTEGER, product TEXT,
                  quantity INTEGER, price INTEGER,
                  PRIMARY KEY(orders, pos)) WITHOUT ROWID;
'''
INDEXES = '''
CREATE INDEX orders_customer ON orders(customer);
CREATE INDEX orders_placed ON orders(placed);
CREATE INDEX line_product ON line(product);
'''
STATUS = ['pending', 'confirmed', 'packed', 'shipped', 'delivered']
CITY = ['Amsterdam', 'Barcelona', 'Chicago', 'Dresden', 'Edinburgh',
        'Florence', 'Gdansk', 'Helsinki', 'Istanbul', 'Jakarta', 'Kyoto']


def sentences(count):
    rng = random.Random(5)
    part = ['ba', 're', 'co', 'do', 'me', 'fi', 'ga', 'ni', 'ho', 'la', 'ki']
    words = ['please', 'deliver', 'to', 'the', 'back', 'door', 'call', 'when',
             'customer', 'asked', 'for', 'a', 'gift', 'box', 'and', 'card']
    words += [''.join(rng.choices(part, k=rng.randint(2, 4)))
              for _ in range(300)]
    weight = [1 / (i + 2) for i in range(len(words))]
    return [' '.join(rng.choices(words, weight, k=rng.randint(9, 22)))
            for _ in range(count)]


POOL = sentences(2500)


def scatter(number, salt):
    h = (number * 0x9e3779b97f4a7c15 + salt * 0xd1342543de82ef95) \
        & 0xffffffffffffffff
    return h ^ (h >> 31)


def day(h):
    return f'202{h % 5}-{1 + (h >> 4) % 12:02d}-{1 + (h >> 8) % 28:02d}'


def customer(number):
    h = scatter(number, 1)
    return (number, f'Customer {h % 1000000:06d} Ltd', CITY[h % 11],
            day(h >> 9), POOL[h % 2500])


def lines(number):
    h = scatter(number, 3)
    return [(number, pos, f'product-{(h >> pos * 12) & 0xfff:05d}',
             1 + (h >> pos) % 9, 100 + (h >> pos * 7) % 9000)
            for pos in range(LINES)]


def order(number, changed):
    h = scatter(number, 2)
    status = 'returned' if changed else STATUS[h % 5]
    total = sum(x[3] * x[4] for x in lines(number))
    return (number, number // PER_CUSTOMER, day(h >> 7), status, total,
            f'{POOL[(h >> 3) % 2500]}; {number}: {POOL[(h >> 15) % 2500]} '
            f'{POOL[(h >> 27) % 2500]} {POOL[(h >> 35) % 2500]} '
            f'{POOL[(h >> 40) % 2500]} {POOL[(h >> 45) % 2500]}')


def is_changed(number):
    return scatter(number, 4) % 7 == 0


def build(db, count):
    db.executescript(SCHEMA)
    db.executemany('INSERT INTO customer VALUES(?,?,?,?,?)',
                   (customer(i) for i in range(count // PER_CUSTOMER + 1)))
    db.executemany('INSERT INTO orders VALUES(?,?,?,?,?,?)',
                   (order(i, False) for i in range(count)))
    db.executemany('INSERT INTO line VALUES(?,?,?,?,?)',
                   (x for i in range(count) for x in lines(i)))
    db.executescript(INDEXES)


def change(db, count):
    """Updates at random places, and rows deleted and inserted again."""
    moved = [i for i in range(count) if is_changed(i)]
    random.Random(9).shuffle(moved)
    db.executemany("UPDATE orders SET status = 'returned' WHERE id = ?",
                   ((i,) for i in moved))
    again = moved[:len(moved) // 4]
    db.executemany('DELETE FROM line WHERE orders = ?', ((i,) for i in again))
    db.executemany('INSERT INTO line VALUES(?,?,?,?,?)',
                   (x for i in again for x in lines(i)))
    db.commit()


def compare(what, got, want, wrong):
    if got == want:
        return
    wrong.append(what)
    if len(wrong) <= 5:
        print(f'WRONG {what}: {got!r:.200} for {want!r:.200}')


def queries(db, count, wrong):
    """Joins over everything, and sums known from the generator."""
    total = pieces = back = 0
    for i in range(count):
        for x in lines(i):
            total += x[3] * x[4]
            pieces += x[3]
        back += is_changed(i)
    got = db.execute('''SELECT count(*), sum(l.quantity),
        sum(l.quantity * l.price) FROM line l
        JOIN orders o ON o.id = l.orders
        JOIN customer c ON c.id = o.customer''').fetchone()
    compare('join', got, (count * LINES, pieces, total), wrong)
    got = db.execute('''SELECT sum(total), sum(status = 'returned')
        FROM orders''').fetchone()
    compare('sums', got, (total, back), wrong)
    got = db.execute('''SELECT sum(n) FROM (SELECT city, count(*) AS n
        FROM orders o JOIN customer c ON c.id = o.customer
        GROUP BY city)''').fetchone()
    compare('cities', got, (count,), wrong)


def verify(db, count, wrong):
    got = db.execute('PRAGMA integrity_check').fetchall()
    compare('integrity_check', got, [('ok',)], wrong)
    for i, got in enumerate(db.execute('SELECT * FROM customer ORDER BY id')):
        compare(f'customer {i}', got, customer(i), wrong)
    rows = db.execute('SELECT * FROM line ORDER BY orders, pos')
    seen = 0
    for i, got in enumerate(db.execute('SELECT * FROM orders ORDER BY id')):
        compare(f'order {i}', got, order(i, is_changed(i)), wrong)
        compare(f'lines {i}', rows.fetchmany(LINES), lines(i), wrong)
        seen += 1
    compare('number of orders', seen, count, wrong)


def hold():
    path = os.environ.get('REAL_HOLD')
    if not path:
        return
    with open(path, 'w'):
        pass
    for _ in range(300):
        if not os.path.exists(path):
            break
        time.sleep(0.1)


def peak_mib():
    with open('/proc/self/status') as status:
        for line in status:
            if line.startswith('VmHWM'):
                return int(line.split()[1]) >> 10
    return 0


def main():
    try:
        mib = int(sys.argv[1])
    except (IndexError, ValueError):
        print('usage: sqlite_memory.py MIB', file=sys.stderr)
        return 99
    count = (mib << 20) // ORDER_BYTES
    wrong = []
    t = [time.monotonic()]
    db = sqlite3.connect(':memory:')
    build(db, count)
    t.append(time.monotonic())
    change(db, count)
    t.append(time.monotonic())
    queries(db, count, wrong)
    t.append(time.monotonic())
    verify(db, count, wrong)
    t.append(time.monotonic())
    step = [f'{b - a:.1f} s' for a, b in zip(t, t[1:])]
    print(f'sqlite {mib} MiB in {count} orders: build {step[0]}, '
          f'change {step[1]}, query {step[2]}, verify {step[3]}, '
          f'VmHWM {peak_mib()} MiB, {len(wrong)} wrong', flush=True)
    hold()
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
