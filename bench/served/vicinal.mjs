// `vicinal serve`: MessagePack, and queries that ask for recall; each a request, and on connections that are WebSockets each a
// message.
import { chunks, K, workFolder } from '../lib/datasets.mjs'
import { bodyOf, request } from '../lib/http.mjs'
import { CODECS, onWire, startService } from '../lib/service.mjs'
import { frame, messageOf, opening } from '../lib/websocket.mjs'

const CODEC = 'msgpack'
const CHUNK_ROWS = 5000
const PATH = '/collections/bench/points/query'
const WEB_SOCKET = 'WebSocket'

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
    variants: ['', WEB_SOCKET],
    protocol: (variant) => (variant === WEB_SOCKET ? 'websocket' : 'http'),
    // The recall that users ask for: less would do, until live recall has settled.
    efforts: [0.95, 0.96, 0.97, 0.98, 0.99],
    opening: (_recall, variant) => (variant === WEB_SOCKET ? [opening(PATH, type, server.port)] : []),
    encode(query, recall, variant) {
      const body = encode({ query: onWire(query, CODEC), limit: K, params: { recall }, with_payload: false })
      return variant === WEB_SOCKET ? frame(body) : Buffer.concat(request('POST', PATH, body, type, server.port))
    },
    decode: (answer, variant) =>
      decode(variant === WEB_SOCKET ? messageOf(answer) : bodyOf(answer)).result.points.map(({ id }) => id),
    stop: () => server.stop(),
  }
}
