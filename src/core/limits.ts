/** All bounds of the product, with their defaults. A bound that a setting can change names the setting. */
export const LIMITS = {
  /** Dimensions of one vector. */
  dimensions: 65_536,
  /** Numbers of one multivector, all its vectors together. */
  multivectorFloats: 1_048_576,
  /** Named vectors of one collection. */
  vectorsPerCollection: 64,
  /** Vectors in a collection's table, with those dropped since its last rewrite. One more causes a rewrite. */
  tableVectors: 128,
  /** UTF-16 units of a collection, vector or payload key name. */
  nameLength: 255,
  /** UTF-8 bytes of a text that is a point's id. */
  textIdBytes: 512,
  /** Snapshots of one data folder. */
  snapshots: 1_000,
  /** Snapshots made or restored at a time in one data folder, and waiting ones; further ones get 429. */
  snapshotsAtOnce: 2,
  snapshotsWaiting: 16,
  /** Bytes of a snapshot that comes from outside (setting `--max-snapshot-bytes`), and its files. */
  snapshotBytes: 64 * 1024 * 1024 * 1024,
  snapshotFiles: 100_000,
  /**
   * Bounds of the process that first opens a snapshot. Memory: trialBytes and trialBytesPerByte for each byte of the
   * archive, at most half of the memory limit (`--memory-limit`), at least trialLeastBytes. Time: trialMs, and a
   * millisecond for each trialBytesPerMs of the archive.
   */
  trialBytes: 512 * 1024 * 1024,
  trialBytesPerByte: 2,
  trialLeastBytes: 256 * 1024 * 1024,
  trialMs: 60_000,
  trialBytesPerMs: 4 * 1024,
  /** For a snapshot's URL: the longest silence, and the whole download. */
  snapshotIdleMs: 30_000,
  snapshotFetchMs: 1_800_000,
  /** Components of one sparse vector. */
  sparseEntries: 65_536,
  /** Characters of one document that becomes a vector. */
  documentLength: 262_144,
  /** Characters of one query text that becomes a vector. */
  queryDocumentLength: 16_384,
  /** How long the owner of a store may be silent (setting `--owner-timeout-ms`), and the least that may be set. */
  ownerTimeoutMs: 10_000,
  leastOwnerTimeoutMs: 200,
  mostOwnerTimeoutMs: 3_600_000,
  /** Characters of a cluster key, at least. */
  leastClusterKeyLength: 16,
  /** Serving threads of one service. */
  servingThreads: 64,
  /** Points in one write. */
  batchPoints: 100_000,
  /** Bytes of points, about, of one write that an iterable is cut into. */
  upsertBatchBytes: 16 * 1024 * 1024,
  /** Bytes of a stream, about, that are one write, and rows of it. */
  ingestBatchBytes: 4 * 1024 * 1024,
  ingestBatchRows: 16_384,
  /** Refused rows of a stream that its answer tells, and characters of the reason of each. */
  ingestErrors: 100,
  ingestErrorLength: 512,
  /** Sources of streams of one collection whose positions are kept; the one written longest ago is forgotten first. */
  ingestSources: 1_000,
  /** Rules of one collection, and values that one rule of its payload allows. */
  ingestionRules: 64,
  ruleEnum: 256,
  /** Rows of a source that a rule compares a row with (`window` of `duplicate`): the most, and unless it is set. */
  duplicateWindow: 16_384,
  duplicateWindowDefault: 1_000,
  /** Rows of all sources of one collection that are kept for that over a restart; the sources written last have them. */
  keptWindowRows: 65_536,
  /** Rows of one write, before a row, that it is compared with for near duplicates. */
  nearDuplicateRows: 2_048,
  /** Records of one repair, and days of which the counts by rule are kept. */
  repairedRecords: 1_000,
  ruleCountDays: 90,
  /** Characters of a record that its quarantine keeps where the whole of it does not fit into a payload. */
  shortenedRecord: 65_536,
  /** How long a stream waits for room in memory or on disk, or for a quota. It waits for the graph and the log without end. */
  ingestWaitMs: 60_000,
  /** Searches in one query batch. */
  batchQueries: 1_024,
  /** Prefetches of one query, at all levels together, and their nesting. */
  prefetches: 1_024,
  prefetchDepth: 64,
  /** Points that all prefetches of one query find together before it waits for memory. */
  prefetchedPoints: 262_144,
  /** Vectors and ids that one query names as examples, including those of its prefetches. */
  queryExamples: 1_024,
  /** Items of relevance feedback, which are compared in pairs before the search. */
  feedbackItems: 128,
  /** Numbers of all examples that are scored together: components of dense vectors, values of sparse ones. */
  exampleNumbers: 16_777_216,
  /** Different indices of the sparse vectors in an average. */
  averageEntries: 1_048_576,
  /** `mmr.candidatesLimit` of a query. */
  mmrCandidates: 16_384,
  /** Nesting of a formula, and all its expressions together. */
  formulaDepth: 128,
  formulaExpressions: 4_096,
  /** Conditions of a formula, times the points that it scores: each takes one byte during scoring. */
  formulaConditionPoints: 16_777_216,
  /** `sample` of a search matrix, and `sample` times `limit`. */
  matrixSample: 4_096,
  matrixPairs: 65_536,
  /** `sample` of a quality report, and its default; points that are compared with each of the others. */
  qualitySample: 20_000,
  qualityDefaultSample: 2_000,
  qualityCompared: 2_000,
  /** Bytes of the vectors of one sample of a quality report. */
  qualitySampleBytes: 64 * 1024 * 1024,
  /** Quality reports of one collection that are kept. */
  qualityReports: 30,
  /** `limit` of near-duplicate pairs, and points that one call looks at. */
  pairs: 10_000,
  pairPoints: 1_000_000,
  /** Points of one page of neighbour lists: the most, and unless asked; and neighbours of each. */
  neighbourPage: 4_096,
  neighbourPageDefault: 1_000,
  neighbours: 64,
  /** `hnswEf` of a query and `efConstruct` of a collection. */
  ef: 65_536,
  /** `params.quantization.oversampling` of a query. */
  oversampling: 1_024,
  /** Neighbours per vertex (`m`) of a collection. */
  m: 512,
  /** Nested clauses of a filter. */
  filterDepth: 64,
  /** Conditions of a filter, leaves and clauses together. */
  filterConditions: 65_536,
  /** Payload paths of one `deletePayload`. */
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
  /** Largest `min_token_len` and `max_token_len` of a text index, in characters. */
  tokenLength: 65_536,
  /** Custom stop words of one text index, or of one document's options. */
  stopwords: 10_000,
  /** Payload indexes of one collection. */
  payloadIndexes: 256,
  /** Bytes of one request body (setting `--max-body-bytes`). */
  bodyBytes: 64 * 1024 * 1024,
  /** Bytes of the body of a request that reads (setting `--max-read-body-bytes`). */
  readBodyBytes: 16 * 1024 * 1024,
  /** Arrays, maps, texts, bins and long integers of one request body; all its values; its different keys (src/wire/body-bounds.ts). */
  bodyObjects: 1_048_576,
  bodyValues: 4_194_304,
  bodyKeys: 32_768,
  /** Bytes of arrived bodies of requests in work: for reads, and the same again for writes. */
  bodyBytesInWork: 512 * 1024 * 1024,
  /**
   * Least average rate over `bodyWindowMs`, else 408 (setting `--min-body-rate`). Time in which the service holds a
   * body does not count.
   */
  bodyBytesPerSecond: 16 * 1024,
  bodyWindowMs: 10_000,
  /** How long a body waits for room before 429. */
  bodyWaitMs: 30_000,
  /** Bytes of large answers (above 64 KiB) being sent at once, before 429 (setting `--max-answer-bytes`). */
  answerBytesInWork: 512 * 1024 * 1024,
  /** How long a client may read nothing of an answer before its connection is cut off. */
  stalledReaderMs: 30_000,
  /** Bytes of a collection's metadata as JSON text. */
  metadataBytes: 1024 * 1024,
  /** Collections of one database. */
  collections: 10_000,
  /**
   * Bytes of one write's record on a store. It is in memory several times on its way: with 64 MiB a process grew by some
   * 400 MB, with 128 MiB by 1.4 GB.
   */
  storeRecordBytes: 64 * 1024 * 1024,
  /** Bytes of segments that the cache of a store holds (setting `--cache-bytes`), and the least that may be set. */
  cacheBytes: 20 * 1024 * 1024 * 1024,
  leastCacheBytes: 1024 * 1024,
  /** A collection that was not used for this time is closed; its next use opens it again. */
  collectionIdleMs: 600_000,
  /** Aliases of one database, and changes of them in one request. */
  aliases: 10_000,
  aliasActions: 10_000,
  /** Searches that run or wait in one process, before 429 (setting `--max-concurrent`). */
  concurrentSearches: 1_024,
  /** Writes that wait for the log of one collection, before 429. */
  queuedWrites: 1_024,
  /** Waiting changes of one collection's configuration and vectors, and of its payload indexes, before 429. */
  queuedChanges: 256,
  /** Bytes of vectors that are not in the graph yet, before writers get 429. */
  tailBytes: 1024 * 1024 * 1024,
  /** Bytes of log that are not in the table yet, before writers wait and then get 429. */
  logBytes: 1024 * 1024 * 1024,
  /**
   * Requests that wait for memory below the limit (`--memory-limit`), and for how long, before 503. The number applies
   * to requests that hold memory and to others separately.
   */
  queuedForMemory: 256,
  memoryWaitMs: 45_000,
  /** Lowest memory limit that can be set. The process itself takes about half of it. */
  leastMemoryLimitBytes: 128 * 1024 * 1024,
  /** Default timeout of one call, and the longest allowed. */
  timeoutMs: 60_000,
  maxTimeoutMs: 3_600_000,
  /** Bytes of vectors and payloads after which the active segment is frozen. */
  segmentBytes: 4 * 1024 * 1024 * 1024,
} as const
