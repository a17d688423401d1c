/** The keys of declared types against those of Qdrant's client: this file compiles only where none differs. */
import type { Schemas } from '@qdrant/js-client-rest'
import type {
  CollectionOptions,
  ConfigChange,
  HnswConfig,
  OptimizersConfig,
  SparseIndexParams,
  SparseVectorParams,
  StrictModeConfig,
  VectorParams,
  WalConfig,
} from '../../src/core/schema.js'

/** The keys of a declared type as the wire spells them. */
type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : ''
type Told<T> = Snake<keyof T & string>
/** The keys that only one of the two has. */
type Differ<A, B> = Exclude<A, B> | Exclude<B, A>
/** Compiles only where no key differs. */
type Same<T extends never> = T
export type Compared = [
  Same<Differ<Told<HnswConfig>, keyof Schemas['HnswConfigDiff'] | 'recall'>>,
  Same<Differ<Told<OptimizersConfig>, keyof Schemas['OptimizersConfigDiff']>>,
  Same<Differ<Told<WalConfig>, keyof Schemas['WalConfigDiff']>>,
  Same<Differ<Told<StrictModeConfig>, keyof Schemas['StrictModeConfig']>>,
  Same<Differ<Told<SparseVectorParams>, keyof Schemas['SparseVectorParams']>>,
  Same<Differ<Told<SparseIndexParams>, keyof Schemas['SparseIndexParams']>>,
  Same<Differ<Told<VectorParams>, keyof Schemas['VectorParams'] | 'quantization'>>,
  Same<Differ<Told<CollectionOptions>, keyof Schemas['CreateCollection'] | 'quantization' | 'ids' | 'ingestion'>>,
  Same<Differ<Told<ConfigChange>, keyof Schemas['UpdateCollection'] | 'quantization' | 'wal_config' | 'ingestion'>>,
]
