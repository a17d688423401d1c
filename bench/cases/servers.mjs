// A server over loopback, this process being the client: one and eight connections, at the least effort that reaches a
// recall of 0.95. Requests are encoded before the clock starts, and answers read in the first pass only, for the recall.
import { dataset, readMatrix } from '../lib/datasets.mjs'
import { sweep, timed } from '../lib/measure.mjs'
import { TARGET_RECALL } from '../lib/rates.mjs'
import { SERVED } from '../served/index.mjs'

const CONNECTIONS = [1, 8]

export async function servers({ system, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  const queries = Array.from({ length: matrix.count }, (_, i) => matrix.row(i))
  const { open } = await SERVED[system]()
  const filling = await timed(() => open({ set, m, efConstruct }))
  const server = filling.value
  const rows = []
  try {
    for (const variant of server.variants ?? ['']) {
      for (const inFlight of CONNECTIONS) rows.push(await least(server, { variant, inFlight, queries, truth }))
    }
  } finally {
    await server.stop()
  }
  return { rows, fillSeconds: filling.wall, note: server.note ?? '' }
}

async function least(server, { variant, inFlight, queries, truth }) {
  let row
  for (const ef of server.efforts) {
    const free = await Promise.all(Array.from({ length: inFlight }, () => server.connect(ef)))
    const requests = queries.map((query) => free[0].encode(query, ef, variant))
    const read = new Uint8Array(queries.length)
    const search = async (_query, _ef, q) => {
      const connection = free.pop()
      const isWanted = read[q] === 0
      read[q] = 1
      const ids = await connection.ask(requests[q], isWanted)
      free.push(connection)
      return ids
    }
    const found = await sweep({ efs: [ef], queries, truth, search, inFlight, label: { variant } })
    for (const connection of free) connection.close()
    row = found[0]
    if (row.recall >= TARGET_RECALL) break
  }
  return row
}
