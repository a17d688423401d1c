// Searches through the service over loopback, this process being the client: 1 and 8 connections, JSON and
// MessagePack, on the folder that the library built.
import { dataset, K, readMatrix, workFolder } from '../lib/datasets.mjs'
import { HttpConnection, request } from '../lib/http-connection.mjs'
import { sweep } from '../lib/measure.mjs'
import { CODECS, onWire, startService, successful } from '../lib/service.mjs'

const CONNECTIONS = [1, 8]
const PATH = '/collections/bench/points/query'

export async function service({ data, limit, efs }) {
  const set = dataset(data, limit)
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  const queries = Array.from({ length: matrix.count }, (_, i) => matrix.row(i))
  const server = await startService(workFolder(set, 'vicinal'))
  const rows = []
  try {
    for (const codec of Object.keys(CODECS)) {
      for (const inFlight of CONNECTIONS) {
        rows.push(...(await sweepOver(server.port, { codec, inFlight, efs, queries, truth })))
      }
    }
  } finally {
    await server.stop()
  }
  return { rows }
}

/**
 * Requests are encoded before the clock starts; of the answers the first pass decodes every one, for the recall,
 * and the timed passes check the status, so that what is measured is the service and not this client.
 */
async function sweepOver(port, { codec, inFlight, efs, queries, truth }) {
  const { type, encode, decode } = CODECS[codec]
  const free = await Promise.all(Array.from({ length: inFlight }, () => HttpConnection.open(port)))
  const rows = []
  for (const ef of efs) {
    const requests = queries.map((query) => {
      const body = { query: onWire(query, codec), limit: K, params: { hnsw_ef: ef }, with_payload: false }
      return request('POST', PATH, encode(body), type, port)
    })
    const decoded = new Uint8Array(queries.length)
    const search = async (_query, _ef, q) => {
      const connection = free.pop()
      const answer = successful(await connection.send(requests[q]))
      free.push(connection)
      if (decoded[q]) return []
      decoded[q] = 1
      return decode(answer.body).result.points.map((point) => point.id)
    }
    rows.push(...(await sweep({ efs: [ef], queries, truth, search, inFlight, label: { codec } })))
  }
  for (const connection of free) connection.close()
  return rows
}
