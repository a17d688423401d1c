/** The keys of what the verbs are told: writes, the operations of a batch, and how to call. */
import type { CallOptions } from './call-options.js'
import type { UpdateCondition, WriteOperation, WriteOptions } from './database.js'
import { invalid } from './errors.js'
import { checkKnown, isPlain, type KnownKeys, keysOf } from './known-keys.js'
import type { RecoverOptions } from './snapshots.js'

type Table<T> = Readonly<Record<keyof T, true>>
type Operation<Op> = Extract<WriteOperation, { op: Op }>

const CALL: Table<CallOptions> = {
  signal: true,
  timeoutMs: true,
}
const WRITE: Table<WriteOptions> = { wait: true, ...CALL }

export const KNOWN_CALL = keysOf<CallOptions>(CALL)
export const KNOWN_WRITE = {
  plain: keysOf<WriteOptions>(WRITE),
  upsert: keysOf<WriteOptions & UpdateCondition>({ updateFilter: true, updateMode: true, ...WRITE }),
  updateVectors: keysOf<WriteOptions & Pick<UpdateCondition, 'updateFilter'>>({ updateFilter: true, ...WRITE }),
  payload: keysOf<WriteOptions & { key?: string }>({ key: true, ...WRITE }),
}
export const KNOWN_RECOVER = keysOf<RecoverOptions>({ checksum: true, priority: true, replace: true, ...CALL })

const PAYLOAD = keysOf<Operation<'setPayload' | 'overwritePayload'>>({
  op: true,
  payload: true,
  which: true,
  key: true,
})
const WHICH = keysOf<Operation<'delete'>>({ op: true, which: true })
const OPERATION: Readonly<Record<WriteOperation['op'], KnownKeys>> = {
  upsert: keysOf<Operation<'upsert'>>({ op: true, points: true, updateFilter: true, updateMode: true }),
  updateVectors: keysOf<Operation<'updateVectors'>>({ op: true, points: true, updateFilter: true }),
  deleteVectors: keysOf<Operation<'deleteVectors'>>({ op: true, names: true, which: true }),
  delete: WHICH,
  setPayload: PAYLOAD,
  overwritePayload: PAYLOAD,
  deletePayload: keysOf<Operation<'deletePayload'>>({ op: true, keys: true, which: true }),
  clearPayload: WHICH,
}

/** Those of a batch, which are untrusted whatever their type says. */
export function checkOperations(operations: readonly unknown[]): void {
  for (const [i, operation] of operations.entries()) {
    const at = `operations[${i}].`
    const { op } = isPlain(operation) ? operation : { op: 'delete' }
    if (typeof op !== 'string' || !Object.hasOwn(OPERATION, op)) {
      throw invalid(`${at}op`, `expected one of ${Object.keys(OPERATION).join(', ')}`, op ?? null)
    }
    checkKnown(operation, OPERATION[op as WriteOperation['op']], at)
  }
}
