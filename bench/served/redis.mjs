// Redis 8 vector sets, Q8: each search in a thread of its own, which is the default, and on the main thread.
import { chunks } from '../lib/datasets.mjs'
import { fillRedis, idsOf, searchCommand, startRedis } from '../peers/redis.mjs'

const CHUNK_ROWS = 5000

export async function open({ set, m, efConstruct }) {
  const server = await startRedis()
  for (const chunk of chunks(set.base, CHUNK_ROWS)) await fillRedis(server.port, chunk, { m, efConstruct })
  return {
    note: `Redis ${server.version}, Q8`,
    port: server.port,
    protocol: () => 'redis',
    efforts: [10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512],
    variants: ['', 'NOTHREAD'],
    opening: () => [],
    encode: (query, ef, variant) => searchCommand(query, ef, variant ? [variant] : []),
    decode: idsOf,
    stop: () => server.stop(),
  }
}
