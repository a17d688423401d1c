/** The types of the Database interface, which both entries of the package export. A test proves that none is missing. */
export type * from './aliases.js'
export type * from './database.js'
export type { ErrorCode, ErrorOptions } from './errors.js'
export type * from './filter.js'
export type * from './formula.js'
export type { MaybePromise } from './maybe-promise.js'
export type {
  CollectionMemory,
  MemoryPart,
  MemoryPlacement,
  ProcessMemory,
  VectorMemory,
  VectorPlacement,
} from './memory.js'
export type {
  PayloadIndexKind,
  PayloadIndexOptions,
  PayloadIndexParams,
  SnowballLanguage,
  StopwordLanguage,
  Stopwords,
  Tokenizer,
} from './payload-index.js'
export type {
  Bm25Options,
  Bm25Tokenizer,
  Document,
  MultiVector,
  NamedVector,
  Payload,
  Point,
  PointId,
  PointVector,
  SparseVector,
  StoredSparseVector,
  StoredVector,
  Vector,
} from './point.js'
export type {
  NearDuplicatePairs,
  NeighbourOptions,
  NeighbourPage,
  PairsOptions,
  QualityOptions,
  QualityReference,
  QualityReport,
  QualityReports,
} from './quality.js'
export type * from './query.js'
export type * from './query-plan.js'
export type * from './quotas.js'
export type * from './schema.js'
export type * from './snapshots.js'
export type { StoreWatermarks } from './store-watermarks.js'
export type { Given, Nullable } from './vocabulary/declare.js'
