/** Bodies of changes other than whole points: payload verbs, deletes, and the batch of all of them. */
import type { Selector, WriteOperation } from '../core/database.js'
import { invalid } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Payload } from '../core/point.js'
import {
  arrayAt,
  isPresent,
  objectAt,
  refuse,
  selectorOf,
  textAt,
  textsAt,
  unsupported,
  type WireObject,
} from './fields.js'
import { conditionOf, payloadAt, upsertOf, vectorConditionOf, vectorUpdatesOf } from './points.js'

export interface PayloadChange {
  payload: Payload
  which: Selector
  key?: string
}

export function payloadChangeOf(body: WireObject, field = ''): PayloadChange {
  refuse(body, ['shard_key'], field)
  const payload = payloadAt(body.payload, `${field}payload`)
  const which = selectorOf(body, field)
  return isPresent(body.key) ? { payload, which, key: textAt(body.key, `${field}key`) } : { payload, which }
}

export function payloadDeleteOf(body: WireObject, field = ''): { keys: readonly string[]; which: Selector } {
  refuse(body, ['shard_key'], field)
  return { keys: textsAt(body.keys, `${field}keys`), which: selectorOf(body, field) }
}

export function vectorDeleteOf(body: WireObject, field = ''): { names: readonly string[]; which: Selector } {
  refuse(body, ['shard_key'], field)
  return { names: textsAt(body.vector, `${field}vector`), which: selectorOf(body, field) }
}

export function deleteOf(body: WireObject, field = ''): Selector {
  refuse(body, ['shard_key'], field)
  return selectorOf(body, field)
}

export function operationsOf(body: WireObject): WriteOperation[] {
  const operations = arrayAt(body.operations, 'operations')
  if (operations.length > LIMITS.batchQueries) {
    throw invalid('operations', `expected at most ${LIMITS.batchQueries} operations`, operations.length)
  }
  return operations.map((value, i) => operationOf(objectAt(value, `operations[${i}]`), `operations[${i}]`))
}

const OPERATIONS: Readonly<Record<string, (body: WireObject, field: string) => WriteOperation>> = {
  upsert: (body, field) => ({ op: 'upsert', points: upsertOf(body, field), ...conditionOf(body, field) }),
  delete: (body, field) => ({ op: 'delete', which: deleteOf(body, field) }),
  set_payload: (body, field) => ({ op: 'setPayload', ...payloadChangeOf(body, field) }),
  overwrite_payload: (body, field) => ({ op: 'overwritePayload', ...payloadChangeOf(body, field) }),
  delete_payload: (body, field) => ({ op: 'deletePayload', ...payloadDeleteOf(body, field) }),
  clear_payload: (body, field) => ({ op: 'clearPayload', which: deleteOf(body, field) }),
  update_vectors: (body, field) => ({
    op: 'updateVectors',
    points: vectorUpdatesOf(body, field),
    ...vectorConditionOf(body, field),
  }),
  delete_vectors: (body, field) => ({ op: 'deleteVectors', ...vectorDeleteOf(body, field) }),
}

function operationOf(operation: WireObject, field: string): WriteOperation {
  const names = Object.keys(operation)
  const name = names[0]
  if (name === undefined || names.length !== 1) throw invalid(field, 'expected exactly one operation', names.length)
  const read = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (!read) throw unsupported(`${field}.${name.slice(0, LIMITS.nameLength)}`)
  return read(objectAt(operation[name], `${field}.${name}`), `${field}.${name}.`)
}
