/* SPDX-License-Identifier: MIT */
/*
 * Options as the engine, and the log, want them.
 */
#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "watch/config.h"

void config_engine(const struct config *c, struct engine_config *out)
{
	static const enum engine_kind kinds[] = {
		[CONFIG_ENGINE_AUTO] = ENGINE_AUTO,
		[CONFIG_ENGINE_MOVE] = ENGINE_MOVE,
		[CONFIG_ENGINE_WP] = ENGINE_WP,
	};
	struct codec_pair codecs = CODEC_PAIR_LZ4;
	uint64_t from = c->uffd.num;

	/* checked when it was set */
	if (codec_parse(&codecs, config_text(c, &c->compressor)))
		die("config: the compressor was not checked");
	*out = (struct engine_config){
		.limit = c->limit.num,
		.limit_pct = c->limit.pct,
		.pool_max = c->pool_max.num,
		.pool_max_pct = c->pool_max.pct,
		.min_mapping = CONFIG_MIN_MAPPING,
		.accept_pct = (uint32_t)c->accept_percent.num,
		.codecs = codecs,
		.share_equal = c->share_equal.num,
		.min_age_ms = c->min_age.num,
		.max_stall_ms = c->max_stall.num,
		.age_cpu_pct = (uint32_t)c->age_cpu_percent.num,
		.repack_idle_ms = c->repack_idle.num,
		.repack_cpu_pct = (uint32_t)c->repack_cpu_percent.num,
		.nr_servers = (uint32_t)c->servers.num,
		.nr_evictors = (uint32_t)c->threads.num,
		.kind = kinds[c->engine.num],
		.dev_fd = c->uffd_fd.num == CONFIG_NO_FD ||
			  from == CONFIG_UFFD_SYSCALL ||
			  from == CONFIG_UFFD_SOCKET
			? -1 : (int)c->uffd_fd.num,
		.no_device = from == CONFIG_UFFD_SYSCALL ||
			     from == CONFIG_UFFD_SOCKET,
		.no_broker = from == CONFIG_UFFD_SYSCALL ||
			     from == CONFIG_UFFD_DEV,
		.no_syscall = from == CONFIG_UFFD_DEV ||
			      from == CONFIG_UFFD_SOCKET,
		.torture = c->torture.num,
	};

	text_copy(out->broker, sizeof(out->broker),
		  config_text(c, &c->uffd_socket));
}

void config_log(const struct config *c)
{
	static const enum log_level levels[] = {
		[CONFIG_LOG_OFF] = LOG_OFF,
		[CONFIG_LOG_WARN] = LOG_WARN,
		[CONFIG_LOG_INFO] = LOG_INFO,
		[CONFIG_LOG_DEBUG] = LOG_DEBUG,
	};

	log_set(levels[c->log.num], config_text(c, &c->log_file));
}
