import { LIMITS } from '../core/limits.js'

/**
 * The one table of settings, for flags, environment and settings file. It also yields `--help` and the table of
 * docs/settings.md (a test compares them). A flag beats the environment, which beats the file.
 */
export interface Setting {
  /** Without dashes; null for a secret, since lists of processes show flags. */
  flag: string | null
  environment: string
  /** Key in the JSON settings file; null if the file cannot hold the setting. */
  key: string | null
  kind: 'text' | 'integer' | 'switch' | 'list'
  fallback: string | number | boolean | null
  description: string
}

export const MAX_PORT = 65_535

/** A setting whose flag, variable and key follow from its name in the table. */
type Unnamed = Pick<Setting, 'kind' | 'fallback' | 'description'> & Partial<Setting>

function kinds(more: Partial<Setting>) {
  const of =
    (kind: Setting['kind'], otherwise: Setting['fallback'] = null) =>
    (description: string, fallback = otherwise): Unnamed => ({ kind, fallback, description, ...more })
  return { text: of('text'), integer: of('integer'), list: of('list'), toggle: of('switch', false) }
}
const { text, integer, list, toggle } = kinds({})
/** Settings that a settings file cannot hold. */
const unfiled = kinds({ key: null })

export const SERVE_SETTINGS = named({
  config: unfiled.text('JSON file with settings, by the keys of this table'),
  data: text('folder of the database; made with mode 0700', './data'),
  store: text(
    'object store in place of the folder: s3://bucket/prefix, reached by AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or file:///folder',
  ),
  cache: text('folder for copies of what the store keeps; of one process alone', './cache'),
  cacheBytes: text(
    'with a store: most bytes of segments in the cache folder, such as 20GiB; the least recently used leave, and those of open collections stay',
    '20GiB',
  ),
  role: text(
    'with a store: `write,query` may own it; `query` reads what the owner writes; `write` may own it and has nodes with the role `query` answer reads of points. Without a cluster key a node that may own it takes it at once',
    'write,query',
  ),
  commitWindowMs: integer(
    'with a store: how long a write waits for others, since each batch is a paid request; 1 to 10000. Default: 10 on file://, 100 elsewhere',
  ),
  advertise: text(
    'with a store: URL at which other nodes reach this one. Default: the listening address; required where that is a wildcard and there is a cluster key',
  ),
  ownerTimeoutMs: integer(
    'with a store: how long its owner may be silent before another node with the role `write` takes it; needs a cluster key; 200 to 3600000',
    LIMITS.ownerTimeoutMs,
  ),
  clusterKeyFile: text(
    'file with the key that all nodes of a store have: with it a node forwards writes to the owner, and takes the store from a silent one. One a line; the first is sent, all are accepted',
  ),
  clusterKey: secret(
    'VICINAL_CLUSTER_KEY',
    `the same key, of at least ${LIMITS.leastClusterKeyLength} characters; several are separated by commas`,
  ),
  host: text('address to listen on', '127.0.0.1'),
  port: integer(`port to listen on; 0 takes a free one (at most ${MAX_PORT})`, 6333),
  apiKeyFile: text(
    'file with the API keys, one a line; several are valid at once; a change takes effect within some 2 s, or on SIGHUP',
  ),
  apiKey: secret('VICINAL_API_KEY', 'API keys, separated by commas'),
  readOnlyApiKeyFile: text('file with keys that may only read; changes take effect as for the other file'),
  readOnlyApiKey: secret('VICINAL_READ_ONLY_API_KEY', 'keys that may only read, separated by commas'),
  jwtRbac: toggle(
    'take tokens (JWT, HS256) that are signed with an API key of at least 32 bytes, and say what their holder may do',
  ),
  tlsCert: text('PEM file with the certificate chain; serves HTTPS'),
  tlsKey: text('PEM file with its private key'),
  allowHost: list('Host header to accept besides loopback names; only checked if no key is set (repeatable)'),
  allowOrigin: list('browser Origin that is accepted and gets CORS headers, such as https://app.example (repeatable)'),
  consolePictureHosts: list(
    'hosts whose pictures in payloads the console shows, such as pictures.example or pictures.example:8443, separated by commas (repeatable)',
  ),
  allowInsecurePublic: toggle('listen on a public address without an API key'),
  maxBodyBytes: integer(
    'most bytes of a request body; of a stream of points: of one row or record batch',
    LIMITS.bodyBytes,
  ),
  maxReadBodyBytes: integer('most bytes of the body of a request that reads', LIMITS.readBodyBytes),
  maxConcurrent: integer(
    'reads that run or wait, in all serving threads together; further ones get 429; if there are several keys, each may use at most half',
    LIMITS.concurrentSearches,
  ),
  maxAnswerBytes: integer(
    'bytes of large answers (above 64 KiB) being sent at once; further ones get 429',
    LIMITS.answerBytesInWork,
  ),
  minBodyRate: integer(
    'least rate of a request body in bytes per second, averaged over 10 s; a slower body gets 408; 0 turns this off',
    LIMITS.bodyBytesPerSecond,
  ),
  timeoutMs: integer(
    'timeout of a request that sets none; snapshots, flush, warm and waiting for an index have none',
    LIMITS.timeoutMs,
  ),
  shutdownTimeoutMs: integer('how long a stop waits for requests in work', 10_000),
  shutdownLingerMs: integer('how long a stop still answers requests on open connections', 100),
  memoryLimit: text(
    "memory limit of the process, such as 2GiB; above it large requests wait or get 503. `none`: no limit. `auto`: the container's limit minus headroom for spikes; without a container 75 % of the machine (`serve` only). See docs/memory.md",
    'auto',
  ),
  snapshotUrls: toggle('allow recovery from snapshots at http(s) URLs; only public addresses are fetched'),
  maxSnapshotBytes: integer('most bytes of a snapshot that is uploaded or fetched', LIMITS.snapshotBytes),
  collectionIdleMs: integer(
    'how long a collection stays open after its last use; the next use opens it again',
    LIMITS.collectionIdleMs,
  ),
  snapshot: unfiled.list('snapshot of a collection to restore before serving, as FILE or FILE:NAME (repeatable)'),
  storageSnapshot: unfiled.text('snapshot of a database to restore before serving'),
  forceSnapshot: unfiled.toggle(
    'restored snapshots replace existing collections; without it an existing collection prevents the start',
  ),
  requestTimeoutMs: integer(
    'how long a request may take to arrive, with uploads of snapshots and without streams of points',
    120_000,
  ),
  threads: integer(
    "threads of the kernel's pool; as many more, of lower priority, build graphs. Default: the number of cores, or fewer if the container has less processor time",
  ),
  servingThreads: integer(
    `threads that read requests and answer them (at most ${LIMITS.servingThreads}). Default: half the usable cores, up to 8, but two on two or three cores`,
  ),
  logLevel: text('trace, debug, info, warn, error or silent', 'info'),
  logFormat: text(
    '`text`: readable lines, `json`: a JSON object a line, `auto`: text on a terminal, else json',
    'auto',
  ),
  slowQueryMs: integer(
    'logs reads of points that took at least this long, with their plans and the shapes of their filters, without values, vectors and payloads; at most 60 a minute and thread. Default: none',
  ),
  auditLog: text(
    'file that gets a JSON line for each write, refusal and administrative read (docs/observability.md); opened anew on SIGHUP',
  ),
  otlpEndpoint: {
    ...text('URL of an OpenTelemetry collector that gets traces by OTLP over HTTP, such as http://localhost:4318'),
    environment: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  },
  sample: unfiled.text('`words`: download 340,000 word vectors from the npm registry and ingest them'),
})

export const IMPORT_SETTINGS = named({
  collection: unfiled.text('collection to import into; created if missing (required)'),
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  url: unfiled.text('URL of a running service, instead of the data folder'),
  apiKeyFile: unfiled.text('file with the API key for --url'),
  apiKey: secret('VICINAL_API_KEY', 'the API key for --url'),
  idColumn: unfiled.text('column with the ids; default: the column `id`, or row numbers if there is none'),
  vector: unfiled.list('NAME=COLUMN of a vector (repeatable); a column alone becomes the unnamed vector'),
  distance: unfiled.text('Cosine, Dot, Euclid or Manhattan; for a collection that is created', 'Cosine'),
  format: unfiled.text("parquet, arrow, json, csv, npy, fbin, fvecs, hnswlib or lance; default: by the file's name"),
  fromQdrant: unfiled.text('http(s)://HOST:PORT/collections/NAME of a Qdrant to read, instead of files'),
  qdrantApiKey: secret('VICINAL_QDRANT_API_KEY', 'the API key for --from-qdrant'),
  onError: unfiled.text(
    "stop at the first wrong row, skip wrong rows, or quarantine them by the collection's rules",
    'stop',
  ),
  errors: unfiled.text('file for the wrong rows, a line of JSON each: file, row, column, code, reason, record'),
  restart: unfiled.toggle('import from the first row, even if an earlier run was stopped'),
  dryRun: unfiled.toggle('read and check every row as an import does, write nothing; the folder may be in use'),
})

export const EXPORT_SETTINGS = named({
  collection: unfiled.text('collection to export (required)'),
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  url: IMPORT_SETTINGS.url,
  apiKeyFile: IMPORT_SETTINGS.apiKeyFile,
  apiKey: IMPORT_SETTINGS.apiKey,
  filter: unfiled.text('only points that match this filter, as JSON'),
  vectors: unfiled.list('names of vectors (repeatable), or `none`; default: all'),
  payload: unfiled.list('keys of payloads (repeatable), or `none`; default: all'),
  format: unfiled.text("parquet, arrow, arrow-stream or jsonl; default: by the file's name"),
})

export const RESTORE_SETTINGS = named({
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  collection: unfiled.text(
    'name for the collection; default: its own name. A snapshot of a database restores all collections by default',
  ),
  checksum: unfiled.text('expected SHA-256 of the file'),
  force: unfiled.toggle('replace existing collections of that name; without it an existing collection is an error'),
})

export const TUNE_SETTINGS = named({
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  recall: unfiled.text('recall@10 to reach, as queries ask for it', '0.95'),
  memory: unfiled.text('memory the collection may take, such as 2GiB; default: no bound'),
  vector: unfiled.text('name of the vector to tune, if there are several'),
  queries: unfiled.text('file with your own queries (.fbin, .npy, .jsonl, …); default: held-out stored vectors'),
  format: unfiled.text('format of the query file; default: by its name'),
  queryCount: unfiled.integer('most queries to measure with', 1000),
  sample: unfiled.integer('most vectors to measure on; memory is reported for the whole collection', 50_000),
  svg: unfiled.text('SVG file for the curves; default: COLLECTION-tune.svg'),
  dryRun: unfiled.toggle('only measure and report; the folder may be in use'),
})

export const QUALITY_SETTINGS = named({
  data: SERVE_SETTINGS.data,
  memoryLimit: SERVE_SETTINGS.memoryLimit,
  url: unfiled.text('URL of a running service to ask, instead of the data folder'),
  apiKeyFile: unfiled.text('file with the API key for --url; it may be one that only reads'),
  apiKey: secret('VICINAL_API_KEY', 'the API key for --url'),
  vector: unfiled.text('name of the vector to look at; default: all'),
  sample: unfiled.integer('points to look at, of each vector', LIMITS.qualityDefaultSample),
  seed: unfiled.integer('seed of the random choice; default: another each time'),
  threshold: unfiled.text('score from which on two points are near duplicates; default: see docs/quality.md'),
  timeoutMs: unfiled.integer('how long to wait for the report', 600_000),
  json: unfiled.toggle('print the report as JSON'),
})

export const CONSOLE_SETTINGS = named({
  port: unfiled.integer('port to listen on, on this machine alone; 0 takes a free one', 0),
  memoryLimit: SERVE_SETTINGS.memoryLimit,
})

export const TOKEN_SETTINGS = named({
  access: unfiled.text('r, rw or prw with --collection; r or m without (required)'),
  collection: unfiled.list('collection that the token opens (repeatable); default: the whole database'),
  expires: unfiled.text('how long the token holds, such as 30m, 1h or 7d; default: until its key is withdrawn'),
  subject: unfiled.text('who holds the token, for logs'),
  apiKeyFile: unfiled.text('file with the API key that signs; its first key of at least 32 bytes'),
  apiKey: secret('VICINAL_API_KEY', 'the API key that signs'),
})

function named<Name extends string>(table: Record<Name, Unnamed>): Record<Name, Setting> {
  const settings = Object.entries<Unnamed>(table).map(([key, setting]) => {
    const flag = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const environment = `VICINAL_${flag.toUpperCase().replaceAll('-', '_')}`
    return [key, { flag, environment, key, ...setting }]
  })
  return Object.fromEntries(settings) as Record<Name, Setting>
}

function secret(environment: string, description: string): Unnamed {
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
