/** Every bound of the product, with its default. A bound that a setting can move says so. */
export const LIMITS = {
  /** Dimensions of one vector. */
  dimensions: 65_536,
  /** Numbers of one multivector, all its vectors together. */
  multivectorFloats: 1_048_576,
  /** Named vectors of one collection. */
  vectorsPerCollection: 64,
  /** Of its table, with those that were dropped since it was last written anew: one more has it written first. */
  tableVectors: 128,
  /** UTF-16 units of a collection, vector or payload key name. */
  nameLength: 255,
  /** Snapshots of one data folder, bytes of one that comes from outside (setting `--max-snapshot-bytes`), files in it. */
  snapshots: 1_000,
  /** Snapshots that are made or taken in at a time, in one data folder, and that wait for their turn; more get 429. */
  snapshotsAtOnce: 2,
  snapshotsWaiting: 16,
  snapshotBytes: 64 * 1024 * 1024 * 1024,
  snapshotFiles: 100_000,
  /**
   * Of the process that opens a snapshot first: bytes of memory, and more by the bytes of the archive, at most half of the
   * limit of memory (`--memory-limit`), yet never less than the least; milliseconds, and more by how slow a disk may be.
   */
  trialBytes: 512 * 1024 * 1024,
  trialBytesPerByte: 2,
  trialLeastBytes: 256 * 1024 * 1024,
  trialMs: 60_000,
  trialBytesPerMs: 4 * 1024,
  /** For a snapshot's URL: to answer, and between two pieces of the answer; and for all of it. */
  snapshotIdleMs: 30_000,
  snapshotFetchMs: 1_800_000,
  /** Components of one sparse vector. */
  sparseEntries: 65_536,
  /** Characters of one document that is to become a vector. */
  documentLength: 262_144,
  /** The same of a query. */
  queryDocumentLength: 16_384,
  /** That answer requests of one service. */
  servingThreads: 64,
  /** Points in one write. */
  batchPoints: 100_000,
  /** Bytes of points, about, of one write that an iterable is cut into. */
  upsertBatchBytes: 16 * 1024 * 1024,
  /** Searches in one query batch. */
  batchQueries: 1_024,
  /** `limit` of a query or scroll, and `offset + limit` of a query. */
  resultLimit: 65_536,
  /** Prefetches of one query, at all its levels together, and how deep they nest. */
  prefetches: 1_024,
  prefetchDepth: 64,
  /** `limit` of all prefetches of one query together. */
  prefetchedPoints: 262_144,
  /** Vectors and ids that one query names as examples, those of its prefetches included. */
  queryExamples: 1_024,
  /** Of relevance feedback, whose items are compared pair by pair before the search. */
  feedbackItems: 128,
  /** Numbers of all examples of one query that are scored together: components of dense vectors, values of sparse ones. */
  exampleNumbers: 16_777_216,
  /** Different indices of the sparse vectors that an average is made of. */
  averageEntries: 1_048_576,
  /** `mmr.candidates_limit` of a query. */
  mmrCandidates: 16_384,
  /** Nested expressions of a formula, and all of them together. */
  formulaDepth: 128,
  formulaExpressions: 4_096,
  /** Conditions of a formula, times the points it scores: each is one byte while the formula runs. */
  formulaConditionPoints: 16_777_216,
  /** `limit` times `group_size` of a query in groups. */
  groupedPoints: 65_536,
  /** `sample` of a search matrix, and `sample` times `limit`. */
  matrixSample: 4_096,
  /** `hnsw_ef` of a query and `ef_construct` of a collection. */
  ef: 65_536,
  /** `params.quantization.oversampling` of a query. */
  oversampling: 1_024,
  /** Neighbours per vertex (`m`) of a collection. */
  m: 512,
  /** Nested clauses of a filter. */
  filterDepth: 64,
  /** Conditions of a filter, leaves and clauses together. */
  filterConditions: 65_536,
  /** Values of one `match.any` / `match.except`, ids of one `has_id`. */
  filterValues: 65_536,
  /** UTF-16 units of one `match.text`, `text_any`, `phrase` or `prefix`. */
  filterTextLength: 65_536,
  /** Points of all rings of one `geo_polygon`. */
  geoPolygonPoints: 16_384,
  /** Segments of one payload path (`a.b[].c` has three). */
  pathSegments: 32,
  /** Bytes of one point's payload as JSON text. */
  payloadBytes: 16 * 1024 * 1024,
  /** Nesting of a payload and of a request body. */
  jsonDepth: 256,
  /** Characters that `min_token_len` and `max_token_len` of a text index may say. */
  tokenLength: 65_536,
  /** Stop words of one text index, or of one document's options, beside those of languages. */
  stopwords: 10_000,
  /** Payload indexes of one collection. */
  payloadIndexes: 256,
  /** Bytes of one request body (setting `--max-body-bytes`). */
  bodyBytes: 64 * 1024 * 1024,
  /** The same of a request that reads (setting `--max-read-body-bytes`). */
  readBodyBytes: 16 * 1024 * 1024,
  /** Arrays, maps, texts and bins of one request body; all its values; its different keys (src/wire/body-bounds.ts). */
  bodyObjects: 1_048_576,
  bodyValues: 4_194_304,
  bodyKeys: 32_768,
  /** Bytes of bodies that have arrived of requests in work: of reads, and as many again of writes. */
  bodyBytesInWork: 512 * 1024 * 1024,
  /** On average over `bodyWindowMs`, else 408 (setting `--min-body-rate`). Time in which the service holds a body up does not count. */
  bodyBytesPerSecond: 16 * 1024,
  bodyWindowMs: 10_000,
  /** For a body to wait for room among others before 429. */
  bodyWaitMs: 30_000,
  /** Bytes of answers above 64 KiB on their way at once before 429 (setting `--max-answer-bytes`). */
  answerBytesInWork: 512 * 1024 * 1024,
  /** For a reader to take nothing of an answer before its connection is cut. */
  stalledReaderMs: 30_000,
  /** Bytes of a collection's metadata as JSON text. */
  metadataBytes: 1024 * 1024,
  /** Collections of one database. */
  collections: 10_000,
  /** Aliases of one database, and changes of them in one request. */
  aliases: 10_000,
  aliasActions: 10_000,
  /** Searches running or waiting in one process before 429 (setting `--max-concurrent`). */
  concurrentSearches: 1_024,
  /** Writes waiting for the log of one collection before 429. */
  queuedWrites: 1_024,
  /** Changes of one collection's configuration and vectors, and of its payload indexes, that wait before 429. */
  queuedChanges: 256,
  /** Vector bytes not yet in the graph before writers get 429. */
  tailBytes: 1024 * 1024 * 1024,
  /** Bytes of log not yet flushed to the table before writers wait, then get 429. */
  logBytes: 1024 * 1024 * 1024,
  /** Requests waiting for memory below the limit (`--memory-limit`), of those that hold some and of the others, and for how long, before 503. */
  queuedForMemory: 256,
  memoryWaitMs: 45_000,
  /** The least limit of memory that may be set: the process itself takes about half of it. */
  leastMemoryLimitBytes: 128 * 1024 * 1024,
  /** Default deadline of one call, and the longest that may be asked for. */
  timeoutMs: 60_000,
  maxTimeoutMs: 3_600_000,
  /** Vector and payload bytes of one segment; past it the active segment is frozen. */
  segmentBytes: 4 * 1024 * 1024 * 1024,
} as const
