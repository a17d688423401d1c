// `vicinal serve`: MessagePack, and queries that ask for recall.
import { chunks, K, workFolder } from '../lib/datasets.mjs'
import { HttpConnection, request } from '../lib/http-connection.mjs'
import { CODECS, onWire, startService, successful } from '../lib/service.mjs'

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
    efforts: [0.95, 0.96, 0.97, 0.98, 0.99],
    async connect() {
      const connection = await HttpConnection.open(server.port)
      return {
        encode(query, recall) {
          const body = { query: onWire(query, CODEC), limit: K, params: { recall }, with_payload: false }
          return request('POST', PATH, encode(body), type, server.port)
        },
        async ask(parts, isWanted) {
          const answer = successful(await connection.send(parts))
          return isWanted ? decode(answer.body).result.points.map(({ id }) => id) : []
        },
        close: () => connection.close(),
      }
    },
    stop: () => server.stop(),
  }
}
