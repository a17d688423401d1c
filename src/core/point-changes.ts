/**
 * Changes of points, declared once: the operations of the library's batch, and the bodies of the service. Points,
 * payloads and filters pass as they are: the engine reads and bounds them, and nothing large is walked twice.
 */
import Type, { type TObjectOptions, type TProperties } from 'typebox'
import { Document } from './bm25.js'
import type { WriteOperation } from './database.js'
import { LIMITS } from './limits.js'
import type { Payload } from './point.js'
import { POINT_ID, PointIds, SELECTED } from './selector.js'
import { byName, integer, missing, oneOf, opaque, optional, recursive } from './vocabulary/declare.js'
import { isPlain, read } from './vocabulary/reader.js'
import { PAYLOAD_KEY, UPDATE_CONDITION, UPDATE_FILTER } from './write-options.js'

export const PayloadValue = opaque<Payload>({
  description: 'A JSON object. In MessagePack also a bin that holds its text.',
  type: 'object',
  accepts: (value) => isPlain(value) || value instanceof Uint8Array,
  expected: 'an object',
})
const PAYLOAD = { payload: PayloadValue, ...PAYLOAD_KEY }
const KEYS = {
  keys: Type.Array(Type.String(), { description: 'Paths of the values to remove, such as `a.b` or `a[].b`.' }),
}

/** As in Qdrant, a filter without conditions selects every point. */
const ofPoints = <P extends TProperties>(properties: P, options: TObjectOptions) =>
  Type.Object(
    { ...properties, ...SELECTED },
    {
      lacks: ({ points, filter }: { points?: unknown; filter?: unknown }) =>
        (points === undefined) === (filter === undefined) ? 'points' : undefined,
      expected: 'either points or filter',
      ...options,
    },
  )

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

const numbers = Type.Array(Type.Number())
const SparseVector = Type.Object(
  {
    indices: Type.Array(integer({ description: 'Unsigned, of 32 bits.' }), { description: 'Unsigned, of 32 bits.' }),
    values: Type.Array(Type.Number(), { description: 'One for each index.' }),
  },
  { $id: 'SparseVector', description: 'The components that are not 0. Indices are unique, with one value each.' },
)
const OneVector = Type.Union([numbers, SparseVector, Type.Array(numbers), Document], {
  $id: 'Vector',
  description: 'A vector, a sparse vector, several vectors, or a text. A vector may be a bin of little-endian float32.',
})
const Vectors = Type.Union([numbers, Type.Array(numbers), byName(OneVector, { description: 'Vectors by name.' })], {
  $id: 'VectorStruct',
  description: 'A vector, several of one name, or vectors by name.',
})
const PointVectors = Type.Object(
  { id: POINT_ID, vector: Vectors },
  { $id: 'PointVectors', description: 'Vectors of a stored point.' },
)
const PointStruct = Type.Object(
  { ...PointVectors.properties, payload: optional(PayloadValue) },
  { $id: 'PointStruct', description: 'A point to write.' },
)
const Batch = Type.Object(
  {
    ids: PointIds,
    vectors: Type.Union(
      [
        Type.Array(numbers),
        Type.Array(Type.Array(numbers)),
        byName(Type.Array(OneVector), { description: 'Columns by name.' }),
      ],
      { description: 'Vectors, or columns of them by name. A column may be one bin of all vectors end to end.' },
    ),
    payloads: optional(Type.Array(PayloadValue, { description: 'One for each id, or null.' })),
  },
  { $id: 'Batch', description: 'Points as columns, with one value for each id.' },
)

/** Points are not checked here: the library and the wire each have a reader for them. */
export const Points = opaque<readonly unknown[]>({
  description: 'Points to write.',
  as: Type.Array(PointStruct),
  accepts: Array.isArray,
  expected: 'an array',
})
export const PointUpdates = opaque<readonly unknown[]>({
  description: 'Points by id, each with its vectors.',
  as: Type.Array(PointVectors, { minItems: 1 }),
  accepts: Array.isArray,
  expected: 'an array',
  holds: (points: readonly unknown[]) => points.length > 0,
  rule: 'must specify points to update',
})
export const Columns = opaque<object>({
  description: 'Points as columns.',
  as: Batch,
  accepts: isPlain,
  expected: 'an object',
})
export const VectorUpdates = Type.Object(
  { points: PointUpdates, ...UPDATE_FILTER, shardKey: missing('Shards of a cluster.') },
  { $id: 'VectorUpdates', description: 'Vectors that replace those of the same names of stored points.' },
)
export const PointInsert = Type.Object(
  {
    points: optional(recursive<readonly unknown[]>(() => Points)),
    batch: optional(recursive<object>(() => Columns)),
    ...UPDATE_CONDITION,
    shardKey: missing('Shards of a cluster.'),
  },
  {
    $id: 'PointInsert',
    description: 'Points to write: one by one, or as columns.',
    lacks: ({ points, batch }: { points?: unknown; batch?: unknown }) =>
      points === undefined && batch === undefined ? 'points' : undefined,
    expected: 'points or batch',
  },
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
