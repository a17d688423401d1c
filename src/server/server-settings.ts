import { LIMITS } from '../core/limits.js'

/** All settings of the service. The command line fills them from flags, environment and files. */
export interface ServerSettings {
  host: string
  port: number
  /** Keys that may do everything; several are valid at once, so that they can be rotated. */
  apiKeys: readonly string[]
  /** Keys that may only read. */
  readOnlyApiKeys: readonly string[]
  /** Whether tokens are taken that an API key has signed. */
  jwtRbac: boolean
  /** Every write of every caller is refused. */
  isReadOnly: boolean
  /** Keys of the other nodes of a store, which open the routes below `/internal` alone. */
  clusterKeys: readonly string[]
  /** Allows a public address without any key. */
  allowInsecurePublic: boolean
  /** Host names that the Host header may have besides loopback and `host`; `*` allows any. */
  allowedHosts: readonly string[]
  /** Origins whose pages may call the service from a browser. */
  allowedOrigins: readonly string[]
  /** Hosts whose pictures in payloads the console shows, with a port where it is not that of the scheme. */
  consolePictureHosts: readonly string[]
  /** Certificate and private key as PEM texts. */
  tls: { cert: string | Buffer; key: string | Buffer } | null
  maxBodyBytes: number
  /** Bound for the bodies of reads; `maxBodyBytes` applies if it is smaller. */
  maxReadBodyBytes: number
  /** Searches and other reads in work at once. Writes have their own bound. */
  maxConcurrentReads: number
  maxConcurrentWrites: number
  /** Bytes of read bodies in work at once. The same bound applies to write bodies separately. */
  maxBodyBytesInWork: number
  /** Bytes of large answers being sent at once. */
  maxAnswerBytesInWork: number
  /**
   * Least average rate of a body in each window; slower bodies are cut off. 0 turns this off. Time in which a body
   * waits for the service does not count.
   */
  minBodyBytesPerSecond: number
  bodyWindowMs: number
  /** How long a body may wait for room. */
  bodyWaitMs: number
  /** A connection is cut off if its client reads nothing of a waiting answer for this long. */
  stalledReaderMs: number
  maxConnections: number
  /** Timeout of a call that sets none. */
  timeoutMs: number
  /** Time for a request's head to arrive, and for the whole request. */
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  /** Time that `close` gives requests in work before it cuts them off. */
  closeDeadlineMs: number
  /**
   * How long `close` keeps idle connections. A client that was just answered may have sent its next request already,
   * and closing would reset it. That request is answered with `Connection: close`.
   */
  closeLingerMs: number
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Whether lines are for people, or a JSON object each. */
  logFormat: 'text' | 'json'
  /** Reads of points that took at least this long are logged with their plans; null: none is. */
  slowQueryMs: number | null
  /** Destination of log lines. Default: stderr, since stdout is for the command's own output. */
  logStream: { write(line: string): void }
}

export const DEFAULT_SETTINGS: ServerSettings = {
  host: '127.0.0.1',
  port: 6333,
  apiKeys: [],
  readOnlyApiKeys: [],
  jwtRbac: false,
  isReadOnly: false,
  clusterKeys: [],
  allowInsecurePublic: false,
  allowedHosts: [],
  allowedOrigins: [],
  consolePictureHosts: [],
  tls: null,
  maxBodyBytes: LIMITS.bodyBytes,
  maxReadBodyBytes: LIMITS.readBodyBytes,
  maxConcurrentReads: LIMITS.concurrentSearches,
  maxConcurrentWrites: LIMITS.queuedWrites,
  maxBodyBytesInWork: LIMITS.bodyBytesInWork,
  maxAnswerBytesInWork: LIMITS.answerBytesInWork,
  minBodyBytesPerSecond: LIMITS.bodyBytesPerSecond,
  bodyWindowMs: LIMITS.bodyWindowMs,
  bodyWaitMs: LIMITS.bodyWaitMs,
  stalledReaderMs: LIMITS.stalledReaderMs,
  maxConnections: 10_000,
  timeoutMs: LIMITS.timeoutMs,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 120_000,
  keepAliveTimeoutMs: 75_000,
  closeDeadlineMs: 10_000,
  closeLingerMs: 100,
  logLevel: 'info',
  logFormat: 'json',
  slowQueryMs: null,
  logStream: process.stderr,
}
