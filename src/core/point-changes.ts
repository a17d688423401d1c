/**
 * Changes of points, declared once: the operations of the library's batch, and the bodies of the service. Points,
 * payloads and filters pass as they are: the engine reads and bounds them, and nothing large is walked twice.
 */
import Type, { type TObjectOptions, type TProperties } from 'typebox'
import type { WriteOperation } from './database.js'
import { LIMITS } from './limits.js'
import type { Payload } from './point.js'
import { SELECTED } from './selector.js'
import { missing, oneOf, opaque, optional } from './vocabulary/declare.js'
import { isPlain, read } from './vocabulary/reader.js'
import { PAYLOAD_KEY, UPDATE_CONDITION, UPDATE_FILTER } from './write-options.js'

const PAYLOAD = {
  payload: opaque<Payload>({
    description: 'A JSON object. In MessagePack also a bin that holds its text.',
    type: 'object',
    accepts: (value) => isPlain(value) || value instanceof Uint8Array,
    expected: 'an object',
  }),
  ...PAYLOAD_KEY,
}
const KEYS = {
  keys: Type.Array(Type.String(), { description: 'Paths of the values to remove, such as `a.b` or `a[].b`.' }),
}

const ofPoints = <P extends TProperties>(properties: P, options: TObjectOptions) =>
  Type.Object({ ...properties, ...SELECTED }, options)

export const PointsSelector = ofPoints({}, { $id: 'PointsSelector', description: 'Points by id or by filter.' })
export const PayloadChange = ofPoints(PAYLOAD, {
  $id: 'PayloadChange',
  description: 'Keys to set in the payloads of these points, or whole payloads.',
})
export const PayloadRemoval = ofPoints(KEYS, {
  $id: 'PayloadRemoval',
  description: 'Keys to remove from the payloads of these points.',
})
export const VectorRemoval = ofPoints(
  {
    vector: Type.Array(Type.String(), {
      description: 'Names of vectors.',
      minItems: 1,
      rule: 'must specify vector names to delete',
    }),
  },
  {
    $id: 'VectorRemoval',
    description: 'Vectors to remove from these points.',
    aliases: { vector: ['vectors'] },
  },
)

const points = opaque<readonly unknown[]>({
  description: 'Points to write.',
  as: Type.Array(Type.Object({})),
  accepts: Array.isArray,
  expected: 'an array',
})
const updated = opaque<readonly unknown[]>({
  description: 'Points by id, each with its vectors.',
  as: Type.Array(Type.Object({}), { minItems: 1 }),
  accepts: Array.isArray,
  expected: 'an array',
  holds: (points: readonly unknown[]) => points.length > 0,
  rule: 'must specify points to update',
})
export const VectorUpdates = Type.Object(
  { points: updated, ...UPDATE_FILTER, shardKey: missing('Shards of a cluster.') },
  { $id: 'VectorUpdates', description: 'Vectors that replace those of the same names of stored points.' },
)
export const PointInsert = Type.Object(
  {
    points: optional(points),
    batch: optional(
      opaque<object>({ description: 'Points as columns.', type: 'object', accepts: isPlain, expected: 'an object' }),
    ),
    ...UPDATE_CONDITION,
    shardKey: missing('Shards of a cluster.'),
  },
  { $id: 'PointInsert', description: 'Points to write: one by one, or as columns.' },
)

export const PointChange = oneOf(
  {
    upsert: PointInsert,
    delete: PointsSelector,
    setPayload: PayloadChange,
    overwritePayload: PayloadChange,
    deletePayload: PayloadRemoval,
    clearPayload: PointsSelector,
    updateVectors: VectorUpdates,
    deleteVectors: VectorRemoval,
  },
  { $id: 'PointChange', description: 'One operation of a batch.' },
)
const most = { maxItems: LIMITS.batchQueries }
export const PointChanges = Type.Object(
  { operations: Type.Array(PointChange, { description: 'Done in order. The first failure ends them.', ...most }) },
  { $id: 'PointChanges', description: 'Several operations.' },
)

const any = opaque<never>({ description: 'Read by the verb of this name.' })
const written = { points: any }
const which = { which: any }
/** Each with the arguments of the verb of its name. */
const OPERATIONS: Readonly<Record<WriteOperation['op'], TProperties>> = {
  upsert: { ...written, ...UPDATE_CONDITION },
  updateVectors: { ...written, ...UPDATE_FILTER },
  deleteVectors: { names: any, ...which },
  delete: which,
  setPayload: { payload: any, ...PAYLOAD_KEY, ...which },
  overwritePayload: { payload: any, ...PAYLOAD_KEY, ...which },
  deletePayload: { keys: any, ...which },
  clearPayload: which,
}
const OPS = Object.keys(OPERATIONS)
const Operations = Type.Object({
  operations: Type.Array(
    Type.Union(
      Object.entries(OPERATIONS).map(([op, properties]) => Type.Object({ op: Type.Literal(op), ...properties })),
      {
        expected: `an op of ${OPS.join(', ')}`,
        choose: (value: unknown) => (isPlain(value) ? OPS.indexOf(value.op as string) : -1),
      },
    ),
    { expected: 'an array of operations', ...most },
  ),
})

/** The operations of a batch, which are untrusted whatever their type says. */
export function readOperations<P>(operations: unknown): WriteOperation<P>[] {
  return read(Operations, { operations }, 'library').operations as WriteOperation<P>[]
}
