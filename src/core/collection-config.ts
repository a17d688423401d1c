/**
 * The settings that create and change a collection, declared once. The types, the readers of options and bodies, the
 * clients' requests and the OpenAPI document all come from here. A new field is added here and nowhere else.
 */
import Type, { type Static } from 'typebox'
import { INGESTION } from './ingestion-rules.js'
import { LIMITS } from './limits.js'
import { MEMORY_PLACEMENTS } from './memory.js'
import type { Payload } from './point.js'
import { byName, integer, number, oneOf, opaque, optional } from './vocabulary/declare.js'
import { isPlain } from './vocabulary/reader.js'
import { snakeCase } from './vocabulary/spelling.js'

/** The measure of nearness. Cosine and Dot: greater is nearer. Euclid and Manhattan: smaller is nearer. */
export const DISTANCES = ['Cosine', 'Dot', 'Euclid', 'Manhattan'] as const
export type Distance = (typeof DISTANCES)[number]
export const DATATYPES = ['float32', 'float16', 'uint8'] as const
export type Datatype = (typeof DATATYPES)[number]
export const SPARSE_MODIFIERS = ['none', 'idf'] as const
export type SparseModifier = (typeof SPARSE_MODIFIERS)[number]
/** The codes that searches of a vector walk on. `auto` chooses by measurement. */
export const QUANTIZATIONS = ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1'] as const
export type Quantization = (typeof QUANTIZATIONS)[number]

const memory = (description: string) => optional(Type.Enum(MEMORY_PLACEMENTS, { description }))
const flag = (description: string) => optional(Type.Boolean({ description }))
const count = (description: string, bounds: { minimum?: number; maximum?: number } = {}) =>
  optional(integer({ description, ...bounds }))
const countForQdrant = (minimum = 0) => count('Kept and returned; no effect, since Vicinal tunes itself.', { minimum })

/** Another name of these on the wire. */
const inKilobytes = (...names: string[]) => Object.fromEntries(names.map((name) => [name, [`${snakeCase(name)}_kb`]]))

const LEAST_M = 2
const NO_GRAPH = 0
const LEAST_QUANTILE = 0.5

export const HnswConfig = Type.Object(
  {
    m: optional(
      integer({
        description:
          'Edges per vertex and level, twice that on the lowest. 0: no graph; every search is a scan. Default 16.',
        minimum: NO_GRAPH,
        maximum: LIMITS.m,
        expected: `0 for no graph, or an integer from ${LEAST_M} to ${LIMITS.m}`,
        holds: (m: number) => m === NO_GRAPH || m >= LEAST_M,
      }),
    ),
    efConstruct: count('Width of the beam while building. Default 200.', { minimum: 4, maximum: LIMITS.ef }),
    fullScanThreshold: optional(
      integer({
        description: 'In kilobytes. Kept and returned; no effect: a search scans if that is expected to cost less.',
        holds: (kilobytes: number) => kilobytes === 0 || kilobytes >= 10,
        expected: `an integer from 10 to ${Number.MAX_SAFE_INTEGER}, or 0`,
      }),
    ),
    maxIndexingThreads: countForQdrant(),
    payloadM: count(
      '`m` of the graphs of frequent keywords; 0: none. In strict mode a search of one tenant is allowed if `m` is 0 and this is not. Default `m`.',
    ),
    inlineStorage: flag('Kept and returned; no effect.'),
    recall: optional(
      number({
        description: 'Not in Qdrant: recall of queries that ask for none; 0.95.',
        minimum: 0.01,
        maximum: 0.9999,
      }),
    ),
    memory: memory('Where graphs are kept. Default `cached`.'),
    onDisk: flag('Deprecated: `true` means `memory: cold`, `false` means `cached`. `memory` overrides it.'),
  },
  { $id: 'HnswConfig', description: 'How graphs are built and kept.', aliases: inKilobytes('fullScanThreshold') },
)
export type HnswConfig = Static<typeof HnswConfig>

const codePlacement = {
  alwaysRam: flag('Deprecated: `true` means `memory: pinned`. `memory` overrides it.'),
  memory: memory('Where codes are kept. Default `cached`.'),
}
export const QuantizationConfig = oneOf(
  {
    scalar: Type.Object({
      type: Type.Literal('int8', { description: 'The only type.' }),
      quantile: optional(number({ description: 'Kept and returned; no effect.', minimum: LEAST_QUANTILE, maximum: 1 })),
      ...codePlacement,
    }),
    product: Type.Object({
      compression: Type.Enum(['x4', 'x8', 'x16', 'x32', 'x64'], {
        description: 'Bytes of a vector over bytes of its code.',
      }),
      ...codePlacement,
    }),
    binary: Type.Object({
      encoding: optional(
        Type.Enum(['one_bit', 'two_bits', 'one_and_half_bits'], { description: 'Default `one_bit`.' }),
      ),
      queryEncoding: optional(
        Type.Enum(['default', 'binary', 'scalar4bits', 'scalar8bits'], {
          description: 'Kept and returned; no effect.',
        }),
      ),
      ...codePlacement,
    }),
    turbo: Type.Object({
      bits: optional(Type.Enum(['bits1', 'bits1_5', 'bits2', 'bits4'], { description: 'Default `bits4`.' })),
      ...codePlacement,
    }),
  },
  {
    $id: 'QuantizationConfig',
    description: "Codes in Qdrant's form. Vicinal uses its own codes of that size, or of the next larger size.",
  },
)
export type QuantizationConfig = Static<typeof QuantizationConfig>

const isGiven = (value: unknown) => value !== undefined && value !== null
/** The rule of every object with quantization settings: only one of the two spellings. */
const saysCodesOnce = {
  aliases: { optimizersConfig: ['optimizer_config'] },
  holds: (options: { quantization?: unknown; quantizationConfig?: unknown }) =>
    options.quantization === undefined || options.quantizationConfig === undefined,
  expected: 'quantization or quantizationConfig, not both',
  /** Qdrant's clients also send `quantization: { scalar: ... }`. */
  respell: (key: string, value: unknown) =>
    key === 'quantization' && isPlain(value) ? 'quantizationConfig' : undefined,
}
/** An object under `quantization` is read as `quantization_config`. */
const quantization = {
  quantization: optional(
    Type.Enum(QUANTIZATIONS, { description: 'Codes by our own names. Default `auto`: chosen by measurement.' }),
  ),
  quantizationConfig: optional(QuantizationConfig),
}
const quantizationChange = {
  ...quantization,
  quantizationConfig: optional(
    Type.Union([QuantizationConfig, Type.Literal('Disabled')], {
      description: '`Disabled`: no codes.',
      expected: 'one of scalar, product, binary, turbo',
      choose: (value: unknown) => (value === 'Disabled' ? 1 : 0),
    }),
  ),
}

export const MultivectorConfig = Type.Object(
  {
    comparator: Type.Literal('max_sim', {
      description: "The sum, over the query's vectors, of the greatest similarity with any of the point's.",
    }),
  },
  { $id: 'MultivectorConfig', description: 'Points have any number of such vectors.' },
)
export type MultivectorConfig = Static<typeof MultivectorConfig>

const vectorChange = {
  hnswConfig: optional(HnswConfig),
  memory: memory(
    'Where the vectors are kept. Default `cached`. `cold`: in the segment files; a search reads some tens of vectors.',
  ),
  onDisk: flag('Deprecated: `true` means `memory: cold`. `memory` overrides it.'),
}

const size = { description: 'Dimensions.', minimum: 1, maximum: LIMITS.dimensions }
export const VectorParams = Type.Object(
  {
    size: integer({ ...size, isNonZero: true }),
    distance: Type.Enum(DISTANCES, {
      description: 'Cosine and Dot: greater is nearer. Euclid and Manhattan: smaller is nearer.',
    }),
    multivectorConfig: optional(MultivectorConfig),
    datatype: optional(
      Type.Enum([...DATATYPES, 'turbo4'], {
        description:
          'The type to which components are rounded, and in which they are kept. Default `float32`. `turbo4` is refused with 501.',
      }),
    ),
    ...vectorChange,
    ...quantization,
  },
  { $id: 'VectorParams', description: 'One dense vector of each point.', ...saysCodesOnce },
)
export type VectorParams = Static<typeof VectorParams>

export const VectorChange = Type.Object(
  { ...vectorChange, ...quantizationChange },
  {
    $id: 'VectorChange',
    description: 'A change of one vector. With an empty `hnswConfig` the vector follows the collection again.',
    ...saysCodesOnce,
  },
)
export type VectorChange = Static<typeof VectorChange>

const sparseDatatype = optional(
  Type.Enum([...DATATYPES, 'turbo4'], {
    description: 'Kept and told. `turbo4` is refused: no sparse vector may have it.',
  }),
)
export const SparseIndexParams = Type.Object(
  {
    fullScanThreshold: countForQdrant(),
    onDisk: flag('Deprecated: `true` means `memory: cold`. `memory` overrides it.'),
    memory: memory('Where postings are kept. Default `cached`.'),
    datatype: sparseDatatype,
  },
  { $id: 'SparseIndexParams', description: 'The index of a sparse vector.' },
)
export type SparseIndexParams = Static<typeof SparseIndexParams>

const modifier = optional(
  Type.Enum(SPARSE_MODIFIERS, {
    description: '`idf`: values of a query are multiplied by the IDF of their index, as in BM25.',
  }),
)
export const SparseVectorParams = Type.Object(
  { modifier, index: optional(SparseIndexParams) },
  { $id: 'SparseVectorParams', description: 'One sparse vector of each point.' },
)
export type SparseVectorParams = Static<typeof SparseVectorParams>

export const SparseVectorNameParams = Type.Object(
  { modifier, datatype: sparseDatatype },
  { $id: 'SparseVectorNameParams', description: 'A sparse vector to add to an existing collection.' },
)
export type SparseVectorNameParams = Static<typeof SparseVectorNameParams>

/** Here the wire's type of a size has a zero, which is beyond its bounds. */
const dense = Type.Object({ ...VectorParams.properties, size: integer(size) }, { ...saysCodesOnce, $id: 'NewVector' })
/** A vector to add to an existing collection. */
export const VectorNameConfig = Type.Union([Type.Object({ dense }), Type.Object({ sparse: SparseVectorNameParams })], {
  $id: 'VectorNameConfig',
  expected: 'either dense or sparse',
  choose: (value: unknown) => {
    const kinds = isPlain(value) ? ['dense', 'sparse'].map((kind) => isGiven(value[kind])) : []
    return kinds[0] === kinds[1] ? -1 : kinds.indexOf(true)
  },
})
export type VectorNameConfig = Static<typeof VectorNameConfig>

export const OptimizersConfig = Type.Object(
  {
    deletedThreshold: optional(number({ description: 'Kept and returned; no effect.', minimum: 0, maximum: 1 })),
    vacuumMinVectorNumber: countForQdrant(100),
    defaultSegmentNumber: countForQdrant(),
    maxSegmentSize: countForQdrant(1),
    memmapThreshold: countForQdrant(),
    indexingThreshold: count(
      '0: no graphs are built; every search of vectors without one is a scan. Any other value has no effect, since graphs are always built.',
    ),
    flushIntervalSec: count('Seconds until a change is in the table. Default 5, on a store 300.', { minimum: 0 }),
    maxOptimizationThreads: optional(
      Type.Union([integer({ description: 'Threads.' }), Type.Literal('auto')], {
        description: 'Kept and returned; no effect.',
        expected: `auto or an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
      }),
    ),
    preventUnoptimized: flag('Kept and returned; no effect.'),
  },
  {
    $id: 'OptimizersConfig',
    description: 'Settings of Qdrant, most of them without an effect here.',
    aliases: inKilobytes('maxSegmentSize', 'memmapThreshold', 'indexingThreshold'),
  },
)
export type OptimizersConfig = Static<typeof OptimizersConfig>

export const WalConfig = Type.Object(
  { walCapacityMb: countForQdrant(1), walSegmentsAhead: countForQdrant(), walRetainClosed: countForQdrant() },
  { $id: 'WalConfig', description: "Settings of Qdrant's log without an effect here." },
)
export type WalConfig = Static<typeof WalConfig>

const ofVectors = <Key extends string>(key: Key, description: string) =>
  optional(
    byName(
      Type.Object({ [key]: optional(integer({ description, minimum: 1 })) } as Record<
        Key,
        ReturnType<typeof countForQdrant>
      >),
      {
        description: 'By vector name.',
        maxProperties: LIMITS.vectorsPerCollection,
      },
    ),
  )
export const StrictModeConfig = Type.Object(
  {
    enabled: flag('The bounds only apply if this is `true`.'),
    maxQueryLimit: count('`limit` of queries, scrolls and facets; for groups, `limit` times the group size.', {
      minimum: 1,
    }),
    maxTimeout: count('Largest timeout of a call, in seconds.', { minimum: 1 }),
    unindexedFilteringRetrieve: flag(
      '`false`: filters of reads, and groups, may only name fields with a payload index.',
    ),
    unindexedFilteringUpdate: flag('`false`: filters of writes may only name fields with a payload index.'),
    searchMaxHnswEf: count('`hnswEf` of a query.'),
    searchAllowExact: flag('`false`: forbids exact searches, and searches of vectors without a graph.'),
    searchMaxOversampling: optional(
      number({ description: '`oversampling` of a query.', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    ),
    upsertMaxBatchsize: count('Points of one upsert.'),
    searchMaxBatchsize: count('Searches of one batch.'),
    maxCollectionVectorSizeBytes: count('Bytes of all vectors.'),
    maxCollectionPayloadSizeBytes: count('Bytes of all payloads.'),
    readRateLimit: count('Reads per minute.', { minimum: 1 }),
    writeRateLimit: count('Writes per minute.', { minimum: 1 }),
    maxPointsCount: count('Points of the collection.', { minimum: 1 }),
    filterMaxConditions: count('Conditions of one filter.'),
    conditionMaxSize: count('Values of one condition.'),
    multivectorConfig: ofVectors('maxVectors', 'Vectors of one multivector.'),
    sparseConfig: ofVectors('maxLength', 'Entries of one sparse vector.'),
    maxPayloadIndexCount: count('Payload indexes of the collection.'),
    maxResidentMemoryPercent: count('Deprecated: `memoryLimitBytes` bounds the process.', { minimum: 1, maximum: 100 }),
  },
  { $id: 'StrictModeConfig', description: 'Bounds that the owner of a collection sets for its users.' },
)
export type StrictModeConfig = Static<typeof StrictModeConfig>

/**
 * Settings that a new collection takes, and that can be changed later. In a change a given key replaces the earlier
 * value.
 */
const settings = {
  ...INGESTION,
  optimizersConfig: optional(OptimizersConfig),
  walConfig: optional(WalConfig),
  strictModeConfig: optional(StrictModeConfig),
  metadata: optional(
    opaque<Payload>({
      description: `Any JSON object, at most ${LIMITS.metadataBytes} bytes. In a change a null removes its key.`,
      type: 'object',
    }),
  ),
}
const sparseVectors = optional(byName(SparseVectorParams, { description: 'Sparse vectors by name.' }))

/** Settings of Qdrant's clusters and disk. */
const placement = {
  replicationFactor: count('Kept and returned; no effect.', { minimum: 1 }),
  writeConsistencyFactor: count('Kept and returned; no effect.', { minimum: 1 }),
  onDiskPayload: flag('Kept and returned; no effect. Payloads are on disk and in the page cache.'),
  payload: optional(
    Type.Object(
      { memory: optional(Type.Enum(['cold', 'cached'], { description: 'Kept and returned; no effect.' })) },
      { description: 'Kept and returned; no effect.' },
    ),
  ),
}
export const CollectionParams = Type.Object(
  {
    ...placement,
    shardNumber: count('Kept and returned; no effect.', { minimum: 1 }),
    readFanOutFactor: countForQdrant(),
    readFanOutDelayMs: countForQdrant(),
  },
  { $id: 'CollectionParams', description: 'Settings of a Qdrant cluster without an effect here.' },
)
export type CollectionParams = Static<typeof CollectionParams>

export const CollectionOptions = Type.Object(
  {
    vectors: optional(
      Type.Union([VectorParams, byName(VectorParams, { description: 'Vectors by name.' })], {
        description: 'One vector without a name, or several by name. Optional if there are sparse vectors.',
        expected: 'vector parameters, or a record of them by name',
        // A vector may be called `size`.
        choose: (value: unknown) => (isPlain(value) ? ('size' in value && !isPlain(value.size) ? 0 : 1) : -1),
      }),
    ),
    sparseVectors,
    hnswConfig: optional(HnswConfig),
    ...quantization,
    ...settings,
    ids: optional(Type.Enum(['plain', 'text'], { description: '`text`: any text is an id. Default `plain`.' })),
    ...placement,
    shardNumber: count('Kept and returned; no effect.', { minimum: 1 }),
    shardingMethod: optional(Type.Enum(['auto', 'custom'], { description: '`custom` is refused: 501.' })),
  },
  { $id: 'CollectionOptions', description: 'Settings of a new collection.', ...saysCodesOnce },
)
export type CollectionOptions = Static<typeof CollectionOptions>

export const ConfigChange = Type.Object(
  {
    vectors: optional(byName(VectorChange, { description: "By vector name; the unnamed vector is `''`." })),
    sparseVectors,
    hnswConfig: optional(HnswConfig),
    ...quantizationChange,
    ...settings,
    params: optional(CollectionParams),
  },
  {
    $id: 'ConfigChange',
    description: 'A change of an existing collection. Affected segments are rebuilt in the background.',
    ...saysCodesOnce,
  },
)
export type ConfigChange = Static<typeof ConfigChange>
