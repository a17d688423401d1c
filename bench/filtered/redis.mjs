// Redis 8 vector sets, Q8: its filter expressions, with a growing number of attempts.
import { chunks } from '../lib/datasets.mjs'
import { fillRedis, openRedis, searchCommand, startRedis } from '../peers/redis.mjs'

const CHUNK_ROWS = 5000

export async function open({ set, columns, m, efConstruct }) {
  const server = await startRedis()
  for (const chunk of chunks(set.base, CHUNK_ROWS)) await fillRedis(server.port, chunk, { m, efConstruct }, columns.at)
  const connection = await openRedis(server.port)
  return {
    note: `Redis ${server.version}, Q8`,
    efforts: [
      ...[20, 32, 50, 80].map((ef) => ({ ef, attempts: 1000 })),
      { ef: 100, attempts: 2000 },
      { ef: 200, attempts: 5000 },
      { ef: 500, attempts: 20_000 },
      { ef: 1000, attempts: 100_000 },
      // 0: as many as there are.
      { ef: 1000, attempts: 0 },
    ],
    search(query, filter, { ef, attempts }) {
      const condition = filter ? `.${filter.key} >= ${filter.from} and .${filter.key} < ${filter.to}` : ''
      return connection.send([searchCommand(query, ef, filter ? ['FILTER', condition, 'FILTER-EF', attempts] : [])])
    },
    async close() {
      connection.close()
      await server.stop()
    },
  }
}
