// pgvector: its iterative scan, with B-tree indexes on both columns that the planner may take instead.
import { chunks } from '../lib/datasets.mjs'
import { COLUMNS } from '../lib/filters.mjs'
import { EFS } from '../lib/least-effort.mjs'
import { boundQuery, nearestSql, OPERATORS, PostgresConnection, startPostgres } from '../peers/postgres.mjs'

/** It takes no more. */
const MOST_EF = 1000

const CHUNK_ROWS = 5000

export async function open({ set, columns, m, efConstruct }) {
  const server = await startPostgres()
  const connection = await PostgresConnection.open(server.port)
  await fillPostgres(connection, { set, m, efConstruct }, COLUMNS, (row) => COLUMNS.map((key) => columns.of(key)[row]))
  for (const name of COLUMNS) await connection.run(`CREATE INDEX ON items (${name})`)
  await connection.run('VACUUM ANALYZE items')
  await connection.run('SET hnsw.iterative_scan = relaxed_order')
  await connection.run(`SET hnsw.max_scan_tuples = 2147483647`)
  await connection.run('SET hnsw.scan_mem_multiplier = 16')
  const prepared = new Map()
  let width = 0
  return {
    note: server.version,
    efforts: EFS.filter((ef) => ef <= MOST_EF),
    async search(query, filter, ef) {
      if (width !== ef) await connection.run(`SET hnsw.ef_search = ${ef}`)
      width = ef
      const where = filter ? `WHERE ${filter.key} >= ${filter.from} AND ${filter.key} < ${filter.to}` : ''
      if (!prepared.has(where)) {
        prepared.set(where, `s${prepared.size}`)
        await connection.prepare(prepared.get(where), nearestSql(set.distance, where))
      }
      return (await connection.send(boundQuery(prepared.get(where), query))).map(([id]) => id)
    },
    async close() {
      connection.close()
      await server.stop()
    },
  }
}

export async function fillPostgres(connection, { set, m, efConstruct }, names = [], extra = () => []) {
  const columns = names.map((name) => `, ${name} int4`).join('')
  await connection.run(`CREATE TABLE items (id int4, embedding vector(${set.dim})${columns})`)
  for (const chunk of chunks(set.base, CHUNK_ROWS)) await connection.copy('COPY items FROM STDIN BINARY', chunk, extra)
  const options = `m = ${m}, ef_construction = ${efConstruct}`
  await connection.run(`CREATE INDEX ON items USING hnsw (embedding ${OPERATORS[set.distance][1]}) WITH (${options})`)
}
