CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE archive_settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_archive_settings PRIMARY KEY (name)
);
CREATE TABLE erased_users (
	tenant_id TEXT NOT NULL, 
	user_hash TEXT NOT NULL, 
	erased_at TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_erased_users PRIMARY KEY (tenant_id, user_hash)
);
CREATE TABLE live_state (
	platform TEXT NOT NULL, 
	owner TEXT, 
	lease_until TEXT, 
	watermark_at TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_live_state PRIMARY KEY (platform)
);
CREATE TABLE tenants (
	id TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	platform_id TEXT NOT NULL, 
	name TEXT, 
	sync_status TEXT NOT NULL, 
	last_sync_at TEXT, 
	last_successful_sync_at TEXT, 
	not_before TEXT, 
	stopped_at TEXT, 
	purged_at TEXT, 
	audit_requested_at TEXT, 
	audited_at TEXT, 
	metadata JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_tenants PRIMARY KEY (id), 
	CONSTRAINT ck_tenants_sync_status CHECK (sync_status IN ('pending', 'syncing', 'ok', 'partial', 'failed', 'rate_limited', 'disconnected')), 
	CONSTRAINT uq_tenants_platform_platform_id UNIQUE (platform, platform_id)
);
CREATE TABLE channels (
	id INTEGER NOT NULL, 
	tenant_id TEXT NOT NULL, 
	platform_id TEXT NOT NULL, 
	parent_id INTEGER, 
	name TEXT, 
	type TEXT NOT NULL, 
	sync_state TEXT NOT NULL, 
	skip_reason TEXT, 
	skipped_since TEXT, 
	own_skip_reason TEXT, 
	head_platform_id TEXT, 
	thread_cursor JSON, 
	unmonitored_since TEXT, 
	metadata JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_channels PRIMARY KEY (id), 
	CONSTRAINT ck_channels_sync_state CHECK (sync_state = CASE WHEN skip_reason IS NULL THEN 'archived' ELSE 'skipped' END AND (skip_reason IS NULL) = (skipped_since IS NULL)), 
	CONSTRAINT fk_channels_parent_id FOREIGN KEY(parent_id) REFERENCES channels (id) ON DELETE SET NULL, 
	CONSTRAINT fk_channels_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id) ON DELETE CASCADE, 
	CONSTRAINT uq_channels_tenant_id_id UNIQUE (tenant_id, id), 
	CONSTRAINT uq_channels_tenant_id_platform_id UNIQUE (tenant_id, platform_id)
);
CREATE INDEX ix_channels_parent_id ON channels (parent_id);
CREATE TABLE sync_gaps (
	id INTEGER NOT NULL, 
	tenant_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	began_at TEXT NOT NULL, 
	ended_at TEXT, 
	planned_at TEXT, 
	repaired_at TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_sync_gaps PRIMARY KEY (id), 
	CONSTRAINT ck_sync_gaps_reason CHECK (reason IN ('process_down', 'session_lost', 'takeover', 'outage', 'left', 'stopped')), 
	CONSTRAINT fk_sync_gaps_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX ix_sync_gaps_tenant_id ON sync_gaps (tenant_id);
CREATE UNIQUE INDEX uq_sync_gaps_open ON sync_gaps (tenant_id) WHERE ended_at IS NULL;
CREATE TABLE sync_jobs (
	id TEXT NOT NULL, 
	tenant_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	run_after TEXT NOT NULL, 
	owner TEXT, 
	lease_until TEXT, 
	cancel_requested BOOLEAN DEFAULT 0 NOT NULL, 
	queued_at TEXT NOT NULL, 
	started_at TEXT, 
	finished_at TEXT, 
	totals JSON NOT NULL, 
	error JSON, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_sync_jobs PRIMARY KEY (id), 
	CONSTRAINT ck_sync_jobs_kind CHECK (kind IN ('initial', 'scheduled', 'manual', 'audit')), 
	CONSTRAINT ck_sync_jobs_status CHECK (status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'rate_limited', 'cancelled')), 
	CONSTRAINT fk_sync_jobs_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX ix_sync_jobs_tenant_id_id ON sync_jobs (tenant_id, id);
CREATE UNIQUE INDEX uq_sync_jobs_unfinished ON sync_jobs (tenant_id) WHERE status IN ('queued', 'running');
CREATE TABLE channel_audits (
	channel_id INTEGER NOT NULL, 
	audited_at TEXT NOT NULL, 
	stored INTEGER DEFAULT 0 NOT NULL, 
	seen INTEGER DEFAULT 0 NOT NULL, 
	missing INTEGER DEFAULT 0 NOT NULL, 
	changed INTEGER DEFAULT 0 NOT NULL, 
	deleted INTEGER DEFAULT 0 NOT NULL, 
	platform_count INTEGER, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_channel_audits PRIMARY KEY (channel_id), 
	CONSTRAINT fk_channel_audits_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE
);
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	channel_id INTEGER NOT NULL, 
	platform_id TEXT NOT NULL, 
	tenant_id TEXT NOT NULL, 
	author_hash TEXT, 
	author_kind TEXT NOT NULL, 
	content TEXT NOT NULL, 
	type TEXT NOT NULL, 
	sent_at TEXT NOT NULL, 
	edited_at TEXT, 
	deleted_at TEXT, 
	reply_to_channel_platform_id TEXT, 
	reply_to_message_platform_id TEXT, 
	reply_to_author_hash TEXT, 
	metadata JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT fk_messages_tenant_id_channel_id FOREIGN KEY(tenant_id, channel_id) REFERENCES channels (tenant_id, id) ON DELETE CASCADE, 
	CONSTRAINT uq_messages_channel_id_platform_id UNIQUE (channel_id, platform_id)
);
CREATE INDEX ix_messages_author_hash ON messages (author_hash);
CREATE INDEX ix_messages_reply_to_message_platform_id ON messages (reply_to_message_platform_id) WHERE reply_to_message_platform_id IS NOT NULL;
CREATE INDEX ix_messages_tenant_id_sent_at ON messages (tenant_id, sent_at);
CREATE TABLE refetch_ranges (
	id INTEGER NOT NULL, 
	channel_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	after_platform_id TEXT, 
	until_platform_id TEXT NOT NULL, 
	seen INTEGER DEFAULT 0 NOT NULL, 
	missing INTEGER DEFAULT 0 NOT NULL, 
	changed INTEGER DEFAULT 0 NOT NULL, 
	deleted INTEGER DEFAULT 0 NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_refetch_ranges PRIMARY KEY (id), 
	CONSTRAINT ck_refetch_ranges_kind CHECK (kind IN ('refetch', 'gap', 'audit')), 
	CONSTRAINT fk_refetch_ranges_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE, 
	CONSTRAINT uq_refetch_ranges_channel_id_kind_until_platform_id UNIQUE (channel_id, kind, until_platform_id)
);
CREATE TABLE sync_progress (
	channel_id INTEGER NOT NULL, 
	last_message_platform_id TEXT, 
	last_message_at TEXT, 
	deleted_head_platform_id TEXT, 
	messages_archived BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	last_error JSON, 
	last_job_id TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_sync_progress PRIMARY KEY (channel_id), 
	CONSTRAINT ck_sync_progress_state CHECK (state IN ('syncing', 'complete', 'failed')), 
	CONSTRAINT fk_sync_progress_channel_id FOREIGN KEY(channel_id) REFERENCES channels (id) ON DELETE CASCADE, 
	CONSTRAINT fk_sync_progress_last_job_id FOREIGN KEY(last_job_id) REFERENCES sync_jobs (id) ON DELETE SET NULL
);
CREATE INDEX ix_sync_progress_last_job_id ON sync_progress (last_job_id);
CREATE TABLE attachments (
	channel_id INTEGER NOT NULL, 
	message_platform_id TEXT NOT NULL, 
	platform_id TEXT NOT NULL, 
	filename TEXT NOT NULL, 
	size_bytes BIGINT, 
	content_type TEXT, 
	url TEXT NOT NULL, 
	url_expires_at TEXT, 
	metadata JSON NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_attachments PRIMARY KEY (channel_id, message_platform_id, platform_id), 
	CONSTRAINT fk_attachments_channel_id_message_platform_id FOREIGN KEY(channel_id, message_platform_id) REFERENCES messages (channel_id, platform_id) ON DELETE CASCADE
)
 WITHOUT ROWID;
CREATE TABLE reaction_totals (
	channel_id INTEGER NOT NULL, 
	message_platform_id TEXT NOT NULL, 
	emoji_key TEXT NOT NULL, 
	burst BOOLEAN NOT NULL, 
	emoji TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	fetched_count INTEGER, 
	uncounted_events INTEGER DEFAULT 0 NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_reaction_totals PRIMARY KEY (channel_id, message_platform_id, emoji_key, burst), 
	CONSTRAINT fk_reaction_totals_channel_id_message_platform_id FOREIGN KEY(channel_id, message_platform_id) REFERENCES messages (channel_id, platform_id) ON DELETE CASCADE
)
 WITHOUT ROWID;
CREATE INDEX ix_reaction_totals_pending ON reaction_totals (channel_id, message_platform_id, emoji_key, burst, count, fetched_count) WHERE fetched_count IS NOT count;
CREATE TABLE reactions (
	channel_id INTEGER NOT NULL, 
	message_platform_id TEXT NOT NULL, 
	emoji_key TEXT NOT NULL, 
	burst BOOLEAN NOT NULL, 
	user_hash TEXT NOT NULL, 
	emoji TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	CONSTRAINT pk_reactions PRIMARY KEY (channel_id, message_platform_id, emoji_key, burst, user_hash), 
	CONSTRAINT fk_reactions_channel_id_message_platform_id_emoji_key_burst FOREIGN KEY(channel_id, message_platform_id, emoji_key, burst) REFERENCES reaction_totals (channel_id, message_platform_id, emoji_key, burst) ON DELETE CASCADE
)
 WITHOUT ROWID;
CREATE INDEX ix_reactions_user_hash ON reactions (user_hash);
CREATE VIEW readable_messages AS SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    m.author_kind,
    m.content,
    m.sent_at,
    m.edited_at,
    m.deleted_at,
    m.reply_to_message_platform_id,
    substr(m.reply_to_author_hash, 1, 8) AS reply_to_author,
    (SELECT coalesce(sum(r.count), 0) FROM reaction_totals r
      WHERE r.channel_id = m.channel_id AND r.message_platform_id = m.platform_id) AS reactions,
    (SELECT count(*) FROM attachments a
      WHERE a.channel_id = m.channel_id AND a.message_platform_id = m.platform_id) AS files
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id;
CREATE VIEW readable_threads AS SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    c.platform_id AS thread_platform_id,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors,
    min(m.sent_at) AS first_message_at,
    max(m.sent_at) AS last_message_at
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id
  WHERE c.type = 'thread' AND m.deleted_at IS NULL
  GROUP BY c.id, c.platform_id, c.type, c.name, p.name, t.name, t.platform_id;
CREATE VIEW readable_reactions AS SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    r.emoji,
    r.burst,
    substr(r.user_hash, 1, 8) AS given_by,
    r.created_at AS first_seen_at
  FROM reactions r
    JOIN messages m ON m.channel_id = r.channel_id AND m.platform_id = r.message_platform_id
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id;
CREATE VIEW daily_activity AS SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    substr(m.sent_at, 1, 10) AS day,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id
  WHERE m.deleted_at IS NULL
  GROUP BY t.id, t.name, t.platform_id, CASE WHEN c.type = 'thread' THEN p.id ELSE c.id END,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END, substr(m.sent_at, 1, 10);
INSERT INTO alembic_version (version_num) VALUES ('baseline');
INSERT INTO archive_settings (name, value, created_at, updated_at) VALUES ('hash_choice', 'sha256', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO tenants (id, platform, platform_id, name, sync_status, last_sync_at, last_successful_sync_at, audited_at, metadata, created_at, updated_at) VALUES ('discord-100', 'discord', '100', 'Guild ✨', 'ok', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '{"description": "about"}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO channels (id, tenant_id, platform_id, parent_id, name, type, sync_state, skip_reason, skipped_since, own_skip_reason, head_platform_id, thread_cursor, metadata, created_at, updated_at) VALUES (1, 'discord-100', '5', NULL, 'general', 'text', 'archived', NULL, NULL, NULL, '8', '{"until": "1"}', '{"platform_type": 0}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO channels (id, tenant_id, platform_id, parent_id, name, type, sync_state, skip_reason, skipped_since, own_skip_reason, metadata, created_at, updated_at) VALUES (2, 'discord-100', '6', 1, 'thread', 'thread', 'skipped', 'not_public', '2026-11-23 10:00:00.123456+00:00', 'not_public', '{}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO messages (id, channel_id, platform_id, tenant_id, author_hash, author_kind, content, type, sent_at, metadata, created_at, updated_at) VALUES (1, 1, '7', 'discord-100', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'user', 'hello 👋', 'default', '2026-11-23 10:00:00.123456+00:00', '{}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO messages (id, channel_id, platform_id, tenant_id, author_hash, author_kind, content, type, sent_at, edited_at, deleted_at, reply_to_channel_platform_id, reply_to_message_platform_id, reply_to_author_hash, metadata, created_at, updated_at) VALUES (2, 1, '8', 'discord-100', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'bot', 'an answer', 'reply', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '5', '7', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '{"pinned": true}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO attachments (channel_id, message_platform_id, platform_id, filename, size_bytes, content_type, url, url_expires_at, metadata, created_at, updated_at) VALUES (1, '7', '71', 'cat.png', 12345, 'image/png', 'https://cdn.example/71', '2026-11-23 10:00:00.123456+00:00', '{"width": 640}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO reaction_totals (channel_id, message_platform_id, emoji_key, burst, emoji, count, fetched_count, uncounted_events, created_at, updated_at) VALUES (1, '7', '👍', false, '👍', 1, 1, 0, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO reaction_totals (channel_id, message_platform_id, emoji_key, burst, emoji, count, fetched_count, uncounted_events, created_at, updated_at) VALUES (1, '7', '77', true, '<:wave:77>', 2, NULL, 1, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO reactions (channel_id, message_platform_id, emoji_key, burst, user_hash, emoji, created_at, updated_at) VALUES (1, '7', '👍', false, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '👍', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO sync_jobs (id, tenant_id, kind, status, priority, attempt, run_after, owner, lease_until, cancel_requested, queued_at, started_at, finished_at, totals, error, created_at, updated_at) VALUES ('job-1', 'discord-100', 'initial', 'partial', 1, 2, '2026-11-23 10:00:00.123456+00:00', 'worker', '2026-11-23 10:00:00.123456+00:00', false, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '{"messages": 2}', '{"code": "platform_unavailable", "message": "later"}', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO sync_progress (channel_id, last_message_platform_id, last_message_at, deleted_head_platform_id, messages_archived, state, last_error, last_job_id, created_at, updated_at) VALUES (1, '8', '2026-11-23 10:00:00.123456+00:00', '9', 2, 'failed', '{"code": "x", "message": "y", "at": "2026-11-23", "attempts": 4}', 'job-1', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO live_state (platform, owner, lease_until, watermark_at, created_at, updated_at) VALUES ('discord', 'process', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO sync_gaps (id, tenant_id, reason, began_at, ended_at, planned_at, repaired_at, created_at, updated_at) VALUES (1, 'discord-100', 'session_lost', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', NULL, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO refetch_ranges (id, channel_id, kind, after_platform_id, until_platform_id, seen, missing, changed, deleted, created_at, updated_at) VALUES (1, 1, 'gap', '6', '8', 2, 3, 4, 5, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO channel_audits (channel_id, audited_at, stored, seen, missing, changed, deleted, platform_count, created_at, updated_at) VALUES (1, '2026-11-23 10:00:00.123456+00:00', 1, 2, 3, 4, 5, 6, '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
INSERT INTO erased_users (tenant_id, user_hash, erased_at, created_at, updated_at) VALUES ('', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00', '2026-11-23 10:00:00.123456+00:00');
