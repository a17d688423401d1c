// pgvector: a prepared statement and the vector in binary.
import { fillPostgres } from '../filtered/pgvector.mjs'
import { boundQuery, nearestSql, PostgresConnection, startPostgres } from '../peers/postgres.mjs'

const STATEMENT = 'nearest'

export async function open({ set, m, efConstruct }) {
  const server = await startPostgres()
  const filling = await PostgresConnection.open(server.port)
  await fillPostgres(filling, { set, m, efConstruct })
  await filling.run('VACUUM ANALYZE items')
  filling.close()
  return {
    note: server.version,
    efforts: [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1000],
    async connect(ef) {
      const connection = await PostgresConnection.open(server.port)
      await connection.run(`SET hnsw.ef_search = ${ef}`)
      await connection.prepare(STATEMENT, nearestSql(set.distance))
      return {
        encode: (query) => boundQuery(STATEMENT, query),
        ask: async (bytes, isWanted) => (await connection.send(bytes, isWanted)).map(([id]) => id),
        close: () => connection.close(),
      }
    },
    stop: () => server.stop(),
  }
}
