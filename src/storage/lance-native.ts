import { createRequire } from 'node:module'
import { VicinalError } from '../core/errors.js'

/**
 * Lance's addon, without the JavaScript of its package. That JavaScript loads apache-arrow and converts rows on the
 * calling thread, which answers requests here. `arrow-worker.ts` converts them instead; rows are passed in Arrow's file
 * format.
 *
 * The addon stays on the main thread, where it only starts work on threads of its own. In a worker it aborts the
 * process if the worker exits during a commit (seen with 0.31). It then returns the rows' buffer to a thread that is
 * gone. Only the methods in use are declared; package.json pins the version.
 */
export interface LanceNative {
  Connection: { new: (uri: string, options: object) => Promise<LanceConnection> }
}

export interface LanceConnection {
  openTable(name: string, namespacePath: string[]): Promise<Lance>
  createEmptyTable(name: string, schema: Buffer, mode: 'create' | 'overwrite', namespacePath: string[]): Promise<Lance>
}

export interface Lance {
  version(): Promise<number>
  checkout(version: number): Promise<void>
  /** Makes the checked-out version the newest, under a new number. */
  restore(): Promise<void>
  mergeInsert(on: string[]): LanceMerge
  add(rows: Buffer, mode: 'append'): Promise<unknown>
  addColumnsWithSchema(schema: Buffer): Promise<unknown>
  query(): LanceQuery
  countRows(filter?: string): Promise<number>
  delete(predicate: string): Promise<unknown>
  optimize(cleanUpOlderThanMs: number): Promise<unknown>
  stats(): Promise<{ numRows: number; fragmentStats: { numFragments: number } }>
  listVersions(): Promise<{ metadata: Record<string, string> }[]>
  close(): void
}

/** Each call returns the next builder; the one it is called on stays as it is. */
export interface LanceMerge {
  whenMatchedUpdateAll(condition: string): LanceMerge
  whenNotMatchedInsertAll(): LanceMerge
  useIndex(use: boolean): LanceMerge
  execute(rows: Buffer): Promise<unknown>
}

export interface LanceQuery {
  onlyIf(predicate: string): void
  selectColumns(columns: string[]): void
  offset(rows: number): void
  limit(rows: number): void
  execute(maxBatchLength: number): Promise<LanceBatches>
}

/** Yields files of one record batch each; null at the end. */
export interface LanceBatches {
  next(): Promise<Uint8Array | null>
}

/**
 * Shares of the memory limit that Lance may use for sorts and joins, and for reading ahead. Its defaults are fixed
 * sizes.
 */
const POOL_SHARE = 1 / 16
const READ_AHEAD_SHARE = 1 / 32
const LEAST_POOL_BYTES = 16 * 1024 * 1024
const LEAST_READ_AHEAD_BYTES = 4 * 1024 * 1024
const BATCH_ROWS = '128'
const THREADS = '2'

/**
 * Limits Lance to its share. Lance reads these variables once, when it is loaded. Variables that are set already win.
 */
export function limitLance(bytes: number): void {
  const settings = {
    LANCE_MEM_POOL_SIZE: String(Math.floor(Math.max(LEAST_POOL_BYTES, bytes * POOL_SHARE))),
    LANCE_DEFAULT_IO_BUFFER_SIZE: String(Math.floor(Math.max(LEAST_READ_AHEAD_BYTES, bytes * READ_AHEAD_SHARE))),
    LANCE_FILE_WRITER_MAX_PAGE_BYTES: String(LEAST_READ_AHEAD_BYTES),
    LANCE_DEFAULT_BATCH_SIZE: BATCH_ROWS,
    LANCE_DEFAULT_FRAGMENT_READAHEAD: '1',
    LANCE_IO_THREADS: THREADS,
    LANCE_CPU_THREADS: THREADS,
  }
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value
}

/** Environment variables with credentials, accounts and addresses of network stores. */
const STORE_VARIABLES =
  /^(?:AWS|AZURE|MSI|IDENTITY|GOOGLE|GCP|GCS|OSS|ALIBABA_CLOUD|COS|TENCENTCLOUD|TOS|HF|HUGGING_FACE)_/i

/**
 * Removes access to network stores from the process, for programs that do not need it: a table's files are on a disk.
 * Lance reads the environment by itself, and has no options for the stores that a table names.
 */
export function hideStores(environment: NodeJS.ProcessEnv = process.env): void {
  for (const name of Object.keys(environment)) if (STORE_VARIABLES.test(name)) delete environment[name]
  environment.AWS_EC2_METADATA_DISABLED = 'true'
}

const PACKAGE = '@lancedb/lancedb'
/** The level of Lance's own log on stderr. Its warnings quote the store's answers, and its errors are thrown anyway. */
const LOG_LEVEL = 'LANCEDB_LOG'
let loaded: LanceNative | undefined

/** Loads the addon at the first use of a table, since that takes a fiftieth of a second. */
export function lanceNative(): LanceNative {
  loaded ??= load()
  return loaded
}

function load(): LanceNative {
  try {
    process.env[LOG_LEVEL] ??= 'off'
    // A path relative to the package's entry is not subject to its `exports`.
    const entry = createRequire(import.meta.url).resolve(PACKAGE)
    return createRequire(entry)('./native.js') as LanceNative
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new VicinalError('NATIVE_UNAVAILABLE', `${PACKAGE} cannot be loaded: ${message}`, { cause })
  }
}

/** The same bytes as a Buffer, which the addon expects. */
export function bufferOver({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
