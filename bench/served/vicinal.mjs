// `vicinal serve`: MessagePack, and queries that ask for recall.
import { chunks, K, workFolder } from '../lib/datasets.mjs'
import { bodyOf, request } from '../lib/http.mjs'
import { CODECS, onWire, startService } from '../lib/service.mjs'

const CODEC = 'msgpack'
const CHUNK_ROWS = 5000
const PATH = '/collections/bench/points/query'

export async function open({ set, m, efConstruct }) {
  const server = await startService(workFolder(set, 'served-vicinal'))
  const { type, encode, decode } = CODECS[CODEC]
  const vectors = { size: set.dim, distance: set.distance }
  await server.call('PUT', '/collections/bench', { vectors, hnsw_config: { m, ef_construct: efConstruct } })
  for (const { from, rows, data } of chunks(set.base, CHUNK_ROWS)) {
    const ids = BigUint64Array.from({ length: rows }, (_, i) => BigInt(from + i))
    const body = { batch: { ids: onWire(ids), vectors: onWire(data) } }
    await server.call('PUT', '/collections/bench/points?wait=true', body, CODEC)
  }
  await server.call('POST', '/collections/bench/wait-for-index', {})
  return {
    port: server.port,
    protocol: 'http',
    efforts: [0.9, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99],
    opening: () => [],
    encode(query, recall) {
      const body = { query: onWire(query, CODEC), limit: K, params: { recall }, with_payload: false }
      return Buffer.concat(request('POST', PATH, encode(body), type, server.port))
    },
    decode: (answer) => decode(bodyOf(answer)).result.points.map(({ id }) => id),
    stop: () => server.stop(),
  }
}
