/** Answers of the service, as far as the console reads them. */

export interface Bytes {
  bytes: number
  resident_bytes: number
  /** Of the resident bytes: pages of a mapped file. */
  cache_bytes: number
}

export interface CollectionInfo {
  status: string
  optimizer_status: 'ok' | { error: string }
  points_count: number
  vectors_count: number
  indexed_vectors_count: number
  segments_count: number
  tail_bytes: number
  log_bytes: number
  warnings?: { message: string }[]
  recall: Record<string, RecallMeasured & { filtered?: RecallMeasured }>
  memory: {
    vectors: Record<string, Record<string, Bytes | number>>
    total: Bytes
    /** Bytes of the process by part; null for a limit that there is not. */
    process: Record<string, number | null>
    [part: string]: Bytes | Record<string, Record<string, Bytes | number>> | unknown
  }
  config: {
    params: {
      vectors?: VectorParams | Record<string, VectorParams>
      sparse_vectors?: Record<string, unknown>
      /** Any text is an id. */
      ids?: 'text'
      [other: string]: unknown
    }
    hnsw_config: HnswConfig
    quantization: string
    [part: string]: unknown
  }
  payload_schema: Record<string, { data_type: string; params?: unknown; points: number }>
}

/** Of queries that were compared with a scan; null where none was. */
export interface RecallMeasured {
  queries: number
  measured: number | null
  asked: number | null
}

export interface HnswConfig {
  m?: number
  recall?: number
  [other: string]: unknown
}

export interface VectorParams {
  size: number
  distance: string
  hnsw_config?: HnswConfig
  quantization?: string
  [other: string]: unknown
}

/** Integers beyond 2^53 are bigints. */
export type PointId = number | bigint | string

export interface Point {
  id: PointId
  /** Of collections whose ids are texts: the id is derived from it. */
  text_id?: string
  payload: Record<string, unknown> | null
  vector?: unknown
  score?: number
  version?: number
}

/** A stage of a query's plan. */
export interface PlanStage {
  stage: string
  returned: number
  prefetch: PlanStage[]
  took_us: number
  strategy?: string
  why?: string
  asked_recall?: number
  expected_recall?: number | null
  selectivity?: number | null
  true_matches?: number
  distances_computed?: number
  rescored?: number
  bytes_read?: number
  segments?: PlanSegment[]
  [other: string]: unknown
}

export interface PlanSegment {
  segment: number | string
  points: number
  strategy: string
  why?: string
  codes?: string
  /** Of a walk: the width of its beam. */
  effort?: { width: number } | null
  expected_recall?: number | null
  distances_computed?: number
  rescored?: number
  took_us: number
}

export interface QueryAnswer {
  points: Point[]
  explain?: PlanStage
}

/** Dense vectors by name; the unnamed one is ''. */
export function vectorsOf(info: CollectionInfo): Record<string, VectorParams> {
  const { vectors } = info.config.params
  if (!vectors) return {}
  return typeof vectors.size === 'number' ? { '': vectors as VectorParams } : (vectors as Record<string, VectorParams>)
}
