/** How near two vectors are. Cosine and Dot: greater is nearer. Euclid and Manhattan: smaller is nearer. */
export type Distance = 'Cosine' | 'Dot' | 'Euclid' | 'Manhattan'
export const DISTANCES: readonly Distance[] = ['Cosine', 'Dot', 'Euclid', 'Manhattan']

export interface HnswConfig {
  /** Edges per vertex and level (twice that on the lowest). */
  m: number
  /** Width of the beam while building. */
  efConstruct: number
}
export const DEFAULT_HNSW: HnswConfig = { m: 16, efConstruct: 200 }

export interface VectorParams {
  /** Dimensions. */
  size: number
  distance: Distance
  hnswConfig?: Partial<HnswConfig>
  /**
   * Leaves the vectors in the segment files once they are there; codes and graph stay in memory. A search then reads
   * some tens of vectors from the system's file cache or the disk. Default false. Without effect under Manhattan,
   * which has no codes.
   */
  onDisk?: boolean
}

export type PayloadIndexKind = 'keyword' | 'integer' | 'float' | 'bool' | 'datetime' | 'uuid'
export const PAYLOAD_INDEX_KINDS: readonly PayloadIndexKind[] = [
  'keyword',
  'integer',
  'float',
  'bool',
  'datetime',
  'uuid',
]

/** What a collection is made with: one unnamed vector, or several named ones. */
export interface CollectionOptions {
  vectors: VectorParams | Readonly<Record<string, VectorParams>>
  hnswConfig?: Partial<HnswConfig>
}

/** The same, resolved: every default filled in, the unnamed vector under its name `''`. */
export interface CollectionConfig {
  vectors: ResolvedVector[]
  hnswConfig: HnswConfig
}

export interface ResolvedVector {
  name: string
  size: number
  distance: Distance
  m: number
  efConstruct: number
  onDisk: boolean
}

/** Of some of the queries that ask for recall, compared with a scan while there is time: means over the last ones. */
export interface MeasuredRecall {
  /** How many were ever compared in this process. */
  queries: number
  measured: number
  asked: number
}

export interface CollectionInfo {
  name: string
  /** `green`: all indexed; `yellow`: the graph is behind the tail; `red`: the collection cannot be served. */
  status: 'green' | 'yellow' | 'red'
  pointsCount: number
  /** Vectors in a graph, and vectors in all; the rest is scanned exactly. */
  indexedVectorsCount: number
  vectorsCount: number
  segmentsCount: number
  config: CollectionConfig
  payloadSchema: Record<string, { kind: PayloadIndexKind; points: number }>
  /** Bytes of log not yet in the table, and of vectors not yet in the graph. */
  logBytes: number
  tailBytes: number
  /** By vector name: the recall of callers' queries. */
  recall: Record<string, MeasuredRecall>
  /** What went wrong and was survived, such as a segment rebuilt from the table. */
  warnings: string[]
}
