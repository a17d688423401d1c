import { LIMITS } from '../core/limits.js'

/** Everything about the service that can be set. The command line fills it from flags, environment and files. */
export interface ServerSettings {
  host: string
  port: number
  /** Keys that may do everything; several are valid at once, so that they can be rotated. */
  apiKeys: readonly string[]
  /** Keys that may read. */
  readOnlyApiKeys: readonly string[]
  /** Listen on a public address without any key. */
  allowInsecurePublic: boolean
  /** Host names that the Host header may have besides loopback and `host`; `*` is any. */
  allowedHosts: readonly string[]
  /** Origins that browsers may call from. */
  allowedOrigins: readonly string[]
  /** PEM texts. */
  tls: { cert: string | Buffer; key: string | Buffer } | null
  maxBodyBytes: number
  /** Of requests that read, where that is less. */
  maxReadBodyBytes: number
  /** Searches and other reads in work at once; writes have a bound of their own. */
  maxConcurrentReads: number
  maxConcurrentWrites: number
  /** Bytes of request bodies in work at once: those of reads, and as many again of writes. */
  maxBodyBytesInWork: number
  /** Bytes of large answers on their way at once. */
  maxAnswerBytesInWork: number
  /** A body that comes more slowly, on average in each window, is cut; 0: none is. Time in which it waits for the service does not count. */
  minBodyBytesPerSecond: number
  bodyWindowMs: number
  /** For a body to wait for room among others. */
  bodyWaitMs: number
  /** A connection is cut that takes nothing for so long of what waits for it. */
  stalledReaderMs: number
  maxConnections: number
  /** Deadline of one call that names none. */
  timeoutMs: number
  /** For a request to arrive: its head, and all of it. */
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  /** What `close` gives requests in work before it cuts them off. */
  closeDeadlineMs: number
  /**
   * For so long `close` keeps idle connections: who has just been answered may have sent the next request already, which a
   * closed connection would reset. It is answered, and told that it was the last.
   */
  closeLingerMs: number
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Where log lines go; default stderr, since stdout belongs to the command's own output. */
  logStream: { write(line: string): void }
}

export const DEFAULT_SETTINGS: ServerSettings = {
  host: '127.0.0.1',
  port: 6333,
  apiKeys: [],
  readOnlyApiKeys: [],
  allowInsecurePublic: false,
  allowedHosts: [],
  allowedOrigins: [],
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
  logStream: process.stderr,
}
