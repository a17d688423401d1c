import { createRequire } from 'node:module'
import { VicinalError } from '../core/errors.js'

/**
 * Lance's addon, without the JavaScript that its package puts around it: that loads apache-arrow and turns rows into
 * Arrow, and Arrow into rows, on the thread that calls, here the one that answers requests. What it would do is
 * done by `arrow-worker.ts`; rows come and go as Arrow's file format.
 *
 * The addon itself stays on the main thread, where it does nothing but start work on threads of its own. In a worker
 * it aborts the process when that exits while a commit runs (seen with 0.31: the buffer of the rows is given back
 * to a thread that is no longer there). Only what is used is declared; package.json pins the version.
 */
export interface LanceNative {
  Connection: { new: (uri: string, options: object) => Promise<LanceConnection> }
}

export interface LanceConnection {
  openTable(name: string, namespacePath: string[]): Promise<Lance>
  createEmptyTable(name: string, schema: Buffer, mode: 'create', namespacePath: string[]): Promise<Lance>
}

export interface Lance {
  version(): Promise<number>
  checkout(version: number): Promise<void>
  mergeInsert(on: string[]): LanceMerge
  query(): LanceQuery
  countRows(filter?: string): Promise<number>
  delete(predicate: string): Promise<unknown>
  optimize(cleanUpOlderThanMs: number): Promise<unknown>
  stats(): Promise<{ numRows: number; fragmentStats: { numFragments: number } }>
  listVersions(): Promise<{ metadata: Record<string, string> }[]>
  close(): void
}

/** Each call returns the next step; the builder itself stays as it is. */
export interface LanceMerge {
  whenMatchedUpdateAll(condition: string): LanceMerge
  whenNotMatchedInsertAll(): LanceMerge
  useIndex(use: boolean): LanceMerge
  execute(rows: Buffer): Promise<unknown>
}

export interface LanceQuery {
  onlyIf(predicate: string): void
  execute(maxBatchLength: number): Promise<LanceBatches>
}

/** A file of one record batch at a time; null at the end. */
export interface LanceBatches {
  next(): Promise<Uint8Array | null>
}

const PACKAGE = '@lancedb/lancedb'
let loaded: LanceNative | undefined

/** Loaded by the first use of a table, since it takes a fiftieth of a second. */
export function lanceNative(): LanceNative {
  loaded ??= load()
  return loaded
}

function load(): LanceNative {
  try {
    // A path beside the package's entry is not subject to its list of exports.
    const entry = createRequire(import.meta.url).resolve(PACKAGE)
    return createRequire(entry)('./native.js') as LanceNative
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new VicinalError('NATIVE_UNAVAILABLE', `${PACKAGE} cannot be loaded: ${message}`, { cause })
  }
}
