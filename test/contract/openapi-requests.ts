/** A request of every operation of Qdrant's API description that is in scope. */
export type ApiRequest = [operationId: string, method: string, path: string, body?: unknown]

const A = '/collections/a'
const FILTER = { must: [{ key: 'city', match: { value: 'Oslo' } }] }
const UUID = '550e8400-e29b-41d4-a716-446655440000'

/** In an order in which each finds what it needs. */
export const REQUESTS: ApiRequest[] = [
  ['root', 'GET', '/'],
  ['telemetry', 'GET', '/telemetry'],
  ['healthz', 'GET', '/healthz'],
  ['livez', 'GET', '/livez'],
  ['readyz', 'GET', '/readyz'],
  [
    'create_collection',
    'PUT',
    `${A}?timeout=5`,
    {
      vectors: {
        image: { size: 3, distance: 'Euclid', memory: 'cold', hnsw_config: { m: 8, memory: 'pinned' } },
        text: { size: 2, distance: 'Cosine' },
      },
    },
  ],
  [
    'create_collection',
    'PUT',
    '/collections/b',
    {
      vectors: { size: 2, distance: 'Dot', quantization_config: { turbo: { bits: 'bits2', always_ram: true } } },
      hnsw_config: { m: 24, ef_construct: 150 },
      quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
      optimizers_config: { deleted_threshold: 0.5, max_optimization_threads: 'auto', memmap_threshold: 7 },
      wal_config: { wal_capacity_mb: 16, wal_retain_closed: 0 },
      strict_mode_config: { enabled: false, max_query_limit: 100, multivector_config: { '': { max_vectors: 9 } } },
      metadata: { owner: 'tests', since: 2026, none: null },
      shard_number: 1,
      payload: { memory: 'cold' },
    },
  ],
  [
    'update_collection',
    'PATCH',
    A,
    {
      hnsw_config: { ef_construct: 123 },
      optimizers_config: { indexing_threshold: 5, max_optimization_threads: 2 },
      params: { replication_factor: 1, on_disk_payload: true },
      metadata: { owner: 'tests' },
      strict_mode_config: { enabled: false, search_allow_exact: true },
    },
  ],
  [
    'update_collection',
    'PATCH',
    A,
    {
      quantization_config: 'Disabled',
      vectors: { text: { hnsw_config: { m: 12 }, quantization_config: { product: { compression: 'x16' } } } },
    },
  ],
  ['get_collections', 'GET', '/collections'],
  ['collection_exists', 'GET', `${A}/exists`],
  ['create_field_index', 'PUT', `${A}/index?wait=true`, { field_name: 'city', field_schema: 'keyword' }],
  [
    'create_field_index',
    'PUT',
    `${A}/index?wait=true`,
    { field_name: 'n', field_schema: { type: 'integer', lookup: true } },
  ],
  [
    'upsert_points',
    'PUT',
    `${A}/points?wait=true&ordering=weak`,
    {
      points: [
        { id: 1, vector: { image: [1, 2, 3], text: [1, 0] }, payload: { city: 'Oslo', n: 1 } },
        { id: UUID, vector: { image: [3, 2, 1] } },
      ],
    },
  ],
  [
    'upsert_points',
    'PUT',
    `${A}/points`,
    {
      batch: {
        ids: [2, 3],
        vectors: {
          image: [
            [1, 1, 1],
            [2, 2, 2],
          ],
        },
        payloads: [{ city: 'Rome' }, null],
      },
    },
  ],
  ['upsert_points', 'PUT', '/collections/b/points?wait=true', { points: [{ id: 7, vector: [1, 2] }] }],
  [
    'update_aliases',
    'POST',
    '/collections/aliases?timeout=5',
    {
      actions: [
        { create_alias: { collection_name: 'a', alias_name: 'first' } },
        { rename_alias: { old_alias_name: 'first', new_alias_name: 'current' } },
        { delete_alias: { alias_name: 'never-there' } },
      ],
    },
  ],
  ['get_collections_aliases', 'GET', '/aliases'],
  ['get_collection_aliases', 'GET', `${A}/aliases`],
  ['get_collection', 'GET', '/collections/current'],
  ['telemetry', 'GET', '/telemetry?details_level=1'],
  ['telemetry', 'GET', '/telemetry?details_level=2'],
  ['telemetry', 'GET', '/telemetry?details_level=3&anonymize=true'],
  ['cluster_status', 'GET', '/cluster'],
  ['cluster_telemetry', 'GET', '/cluster/telemetry'],
  ['collection_cluster_info', 'GET', '/collections/current/cluster'],
  ['list_shard_keys', 'GET', `${A}/shards`],
  ['get_optimizations', 'GET', `${A}/optimizations?with=queued,completed,idle_segments&completed_limit=3`],
  [
    'update_quotas',
    'PUT',
    '/quotas?wait=true',
    { enabled: false, max_disk_usage_percent: 95, release_margin_percent: 2 },
  ],
  ['get_quotas', 'GET', '/quotas'],
  ['get_issues', 'GET', '/issues'],
  ['clear_issues', 'DELETE', '/issues'],
  ['collection_exists', 'GET', '/collections/current/exists'],
  ['count_points', 'POST', '/collections/current/points/count', {}],
  ['get_collection', 'GET', A],
  ['get_collection', 'GET', '/collections/b'],
  [
    'upsert_points',
    'PUT',
    `${A}/points?wait=true`,
    {
      batch: { ids: [2], vectors: { image: [[1, 1, 1]] }, payloads: [{ city: 'Rome' }] },
      update_mode: 'update_only',
      update_filter: { must: [{ key: 'city', match: { value: 'Rome' } }] },
    },
  ],
  ['get_point', 'GET', `${A}/points/1`],
  ['get_point', 'GET', `${A}/points/${UUID}?consistency=majority`],
  ['get_point', 'GET', '/collections/b/points/7'],
  ['get_points', 'POST', `${A}/points`, { ids: [1, UUID, 99], with_payload: ['city'], with_vector: ['image'] }],
  ['count_points', 'POST', `${A}/points/count`, { filter: FILTER, exact: true }],
  ['scroll_points', 'POST', `${A}/points/scroll`, { limit: 2, with_payload: true, with_vector: true }],
  ['scroll_points', 'POST', `${A}/points/scroll`, { offset: UUID, filter: { must_not: [FILTER] } }],
  [
    'query_points',
    'POST',
    `${A}/points/query`,
    { query: [1, 2, 3], using: 'image', with_payload: true, with_vector: true, limit: 3 },
  ],
  [
    'query_points',
    'POST',
    `${A}/points/query`,
    {
      query: 1,
      using: 'image',
      filter: { should: [FILTER] },
      params: { hnsw_ef: 64, exact: false, quantization: { ignore: false, rescore: true, oversampling: 2.4 } },
      score_threshold: 100,
    },
  ],
  ['query_points', 'POST', `${A}/points/query`, {}],
  ['query_points', 'POST', `${A}/points/query`, { query: [1, 2, 3], using: 'image', filter: FILTER, explain: true }],
  [
    'query_batch_points',
    'POST',
    `${A}/points/query/batch`,
    {
      searches: [
        { query: [1, 2, 3], using: 'image' },
        { query: { nearest: UUID }, using: 'image' },
        { query: [1, 2, 3], using: 'image', explain: true },
      ],
    },
  ],
  [
    'query_points',
    'POST',
    `${A}/points/query`,
    {
      prefetch: [
        { query: [1, 2, 3], using: 'image', limit: 3 },
        {
          prefetch: { query: [1, 0], using: 'text' },
          query: { recommend: { positive: [1], strategy: 'best_score' } },
          using: 'image',
        },
      ],
      query: { rrf: { k: 60, weights: [1, 2] } },
      with_payload: true,
      explain: true,
    },
  ],
  [
    'query_points',
    'POST',
    `${A}/points/query`,
    { query: { order_by: { key: 'n', direction: 'desc' } }, with_payload: true },
  ],
  ['query_points', 'POST', `${A}/points/query`, { query: { sample: 'random' }, with_vector: true }],
  [
    'query_points_groups',
    'POST',
    `${A}/points/query/groups`,
    { query: [1, 2, 3], using: 'image', group_by: 'city', with_payload: true },
  ],
  [
    'query_points_groups',
    'POST',
    `${A}/points/query/groups`,
    { query: [1, 2, 3], using: 'image', group_by: 'n', with_lookup: { collection: 'b', with_vectors: true } },
  ],
  ['facet', 'POST', `${A}/facet`, { key: 'city', filter: FILTER, exact: true }],
  ['facet', 'POST', `${A}/facet`, { key: 'n' }],
  ['search_matrix_pairs', 'POST', `${A}/points/search/matrix/pairs`, { using: 'image', sample: 3, limit: 1 }],
  ['search_matrix_offsets', 'POST', `${A}/points/search/matrix/offsets`, { using: 'image' }],
  ['scroll_points', 'POST', `${A}/points/scroll`, { order_by: 'n' }],
  ['set_payload', 'POST', `${A}/points/payload?wait=true`, { payload: { extra: { x: 1 } }, points: [1] }],
  ['overwrite_payload', 'PUT', `${A}/points/payload?wait=true`, { payload: { city: 'Kyoto' }, filter: FILTER }],
  ['delete_payload', 'POST', `${A}/points/payload/delete?wait=true`, { keys: ['city'], points: [1] }],
  ['clear_payload', 'POST', `${A}/points/payload/clear?wait=true`, { points: [1, 2] }],
  [
    'update_vectors',
    'PUT',
    `${A}/points/vectors?wait=true`,
    { points: [{ id: 2, vector: { text: [0, 1] } }], update_filter: FILTER },
  ],
  ['delete_vectors', 'POST', `${A}/points/vectors/delete?wait=true`, { points: [2], vector: ['text'] }],
  [
    'batch_update',
    'POST',
    `${A}/points/batch?wait=true`,
    {
      operations: [
        { upsert: { points: [{ id: 9, vector: { image: [0, 0, 0] } }] } },
        { set_payload: { payload: { a: 1 }, points: [9] } },
        { delete: { points: [9] } },
      ],
    },
  ],
  ['delete_points', 'POST', `${A}/points/delete?wait=true`, { points: [1, UUID] }],
  ['delete_points', 'POST', `${A}/points/delete`, { filter: FILTER }],
  ['delete_field_index', 'DELETE', `${A}/index/city?wait=true`],
  ['metrics', 'GET', '/metrics'],
  ['delete_collection', 'DELETE', `${A}?timeout=5`],
]

/** On files, where SNAPSHOT stands for the name of the last one made and LOCATION for where it is. */
export const FORM = '--xxx\r\nContent-Disposition: form-data; name="snapshot"; filename="x"\r\n\r\nFILE\r\n--xxx--\r\n'
export const OF_SNAPSHOTS: ApiRequest[] = [
  ['create_snapshot', 'POST', `${A}/snapshots?wait=true`],
  ['list_snapshots', 'GET', `${A}/snapshots`],
  ['get_snapshot', 'GET', `${A}/snapshots/SNAPSHOT`],
  ['recover_from_snapshot', 'PUT', `${A}/snapshots/recover`, { location: 'LOCATION', priority: 'no_sync' }],
  ['recover_from_uploaded_snapshot', 'POST', '/collections/c/snapshots/upload?priority=snapshot', FORM],
  ['delete_snapshot', 'DELETE', `${A}/snapshots/SNAPSHOT`],
  ['create_shard_snapshot', 'POST', `${A}/shards/0/snapshots`],
  ['list_shard_snapshots', 'GET', `${A}/shards/0/snapshots`],
  ['get_shard_snapshot', 'GET', `${A}/shards/0/snapshots/SNAPSHOT`],
  ['recover_shard_from_snapshot', 'PUT', `${A}/shards/0/snapshots/recover`, { location: 'LOCATION' }],
  ['recover_shard_from_uploaded_snapshot', 'POST', '/collections/d/shards/0/snapshots/upload', FORM],
  ['delete_shard_snapshot', 'DELETE', `${A}/shards/0/snapshots/SNAPSHOT?wait=true`],
  ['stream_shard_snapshot', 'GET', `${A}/shards/0/snapshot`],
  ['create_full_snapshot', 'POST', '/snapshots'],
  ['list_full_snapshots', 'GET', '/snapshots'],
  ['get_full_snapshot', 'GET', '/snapshots/SNAPSHOT'],
  ['delete_full_snapshot', 'DELETE', '/snapshots/SNAPSHOT'],
]

export const REFUSED: ApiRequest[] = [
  ['get_collection', 'GET', '/collections/absent'],
  ['create_collection', 'PUT', '/collections/b', { vectors: { size: 0, distance: 'Dot' } }],
  ['upsert_points', 'PUT', '/collections/b/points', { points: [{ id: 1, vector: [1] }] }],
  ['query_points', 'POST', '/collections/b/points/query', { query: [1, 2, 3] }],
  ['query_points', 'POST', '/collections/b/points/query', { params: { quantization: { oversampling: 'much' } } }],
  ['update_collection', 'PATCH', '/collections/b', { quantization_config: { scalar: { type: 'int4' } } }],
  ['scroll_points', 'POST', '/collections/b/points/scroll', { limit: 0 }],
  ['scroll_points', 'POST', '/collections/b/points/scroll', { order_by: 'n' }],
  ['facet', 'POST', '/collections/b/facet', { key: 'n' }],
  ['query_points_groups', 'POST', '/collections/b/points/query/groups', { query: [1, 2] }],
  ['update_collection', 'PATCH', '/collections/b', { metadata: [] }],
  ['upsert_points', 'PUT', '/collections/b/points', { points: [{ id: 1, vector: [1, 2] }], update_mode: 'insert' }],
  [
    'upsert_points',
    'PUT',
    '/collections/b/points',
    { points: [{ id: 1, vector: [1, 2] }], update_filter: { must: [{ key: '' }] } },
  ],
  ['update_collection', 'PATCH', '/collections/b', { params: { replication_factor: 0 } }],
  [
    'create_collection',
    'PUT',
    '/collections/c',
    { vectors: { size: 1, distance: 'Dot' }, payload: { memory: 'pinned' } },
  ],
  [
    'update_aliases',
    'POST',
    '/collections/aliases',
    { actions: [{ create_alias: { collection_name: 'absent', alias_name: 'x' } }] },
  ],
  ['update_aliases', 'POST', '/collections/aliases', { actions: [{ create_alias: { collection_name: 'b' } }] }],
]
