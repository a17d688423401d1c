/**
 * Settings of a collection in the words of Qdrant's REST API, kept and told again as they were given. Those of optimizers,
 * the log and graphs tune Qdrant and change nothing here; strict mode holds.
 */

export interface OptimizersConfig {
  deleted_threshold?: number
  vacuum_min_vector_number?: number
  default_segment_number?: number
  max_segment_size?: number
  memmap_threshold?: number
  indexing_threshold?: number
  flush_interval_sec?: number
  max_optimization_threads?: number | 'auto'
  prevent_unoptimized?: boolean
}

/** Beside what a graph has here. */
export interface HnswTuning {
  full_scan_threshold?: number
  max_indexing_threads?: number
  /**
   * `m` of the graphs that keywords have of their own which many rows have and many queries name; 0: none. Default `m`.
   * In strict mode a tenant may search where `m` is 0 and this is not.
   */
  payload_m?: number
  inline_storage?: boolean
}

export interface WalConfig {
  wal_capacity_mb?: number
  wal_segments_ahead?: number
  wal_retain_closed?: number
}

/** Bounds that the owner of a collection sets for those who use it; without `enabled: true` none holds. */
export interface StrictModeConfig {
  enabled?: boolean
  /** `limit` of queries, scrolls and facets; of groups, times the size of each. */
  max_query_limit?: number
  /** Seconds a call may ask for. */
  max_timeout?: number
  /** false: filters and formulas of reads, and groups, may only name fields that have a payload index which answers them. */
  unindexed_filtering_retrieve?: boolean
  /** The same for filters of writes. */
  unindexed_filtering_update?: boolean
  search_max_hnsw_ef?: number
  /** false: nor may vectors without a graph be searched, `m` being 0. */
  search_allow_exact?: boolean
  search_max_oversampling?: number
  /** Points of one upsert. */
  upsert_max_batchsize?: number
  /** Searches of one batch. */
  search_max_batchsize?: number
  max_collection_vector_size_bytes?: number
  max_collection_payload_size_bytes?: number
  /** Operations in any one minute. */
  read_rate_limit?: number
  write_rate_limit?: number
  max_points_count?: number
  /** Conditions of one filter, and values of one condition. */
  filter_max_conditions?: number
  condition_max_size?: number
  /** By vector name. */
  multivector_config?: Readonly<Record<string, { max_vectors?: number }>>
  sparse_config?: Readonly<Record<string, { max_length?: number }>>
  max_payload_index_count?: number
  /** @deprecated `memoryLimitBytes` bounds the process. */
  max_resident_memory_percent?: number
}
