// pgvector: a prepared statement and the vector in binary.
import { fillPostgres } from '../filtered/pgvector.mjs'
import { boundQuery, idsOf, nearestSql, opening, PostgresConnection, startPostgres } from '../peers/postgres.mjs'

const STATEMENT = 'nearest'

export async function open({ set, m, efConstruct }) {
  const server = await startPostgres()
  const filling = await PostgresConnection.open(server.port)
  await fillPostgres(filling, { set, m, efConstruct })
  await filling.run('VACUUM ANALYZE items')
  filling.close()
  return {
    note: server.version,
    port: server.port,
    protocol: () => 'postgres',
    efforts: [10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1000],
    opening: (ef) => opening(`SET hnsw.ef_search = ${ef}`, STATEMENT, nearestSql(set.distance)),
    encode: (query) => boundQuery(STATEMENT, query),
    decode: idsOf,
    stop: () => server.stop(),
  }
}
