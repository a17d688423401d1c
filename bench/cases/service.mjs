// Searches through the service over loopback: 1 and 8 connections, JSON and MessagePack, on the folder that the library
// built.
import { dataset, K, readMatrix, workFolder } from '../lib/datasets.mjs'
import { bodyOf, request } from '../lib/http.mjs'
import { load } from '../lib/load.mjs'
import { PASSES, recall, summary } from '../lib/measure.mjs'
import { CODECS, onWire, startService } from '../lib/service.mjs'

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

/** Requests are encoded before the clock starts; the first pass gives the recall, the others are timed. */
async function sweepOver(port, { codec, inFlight, efs, queries, truth }) {
  const { type, encode, decode } = CODECS[codec]
  const rows = []
  for (const ef of efs) {
    const requests = queries.map((query) => {
      const body = { query: onWire(query, codec), limit: K, params: { hnsw_ef: ef }, with_payload: false }
      return Buffer.concat(request('POST', PATH, encode(body), type, port))
    })
    const { passes, answers } = await load({ port, protocol: 'http', requests, connections: inFlight, passes: PASSES })
    const found = []
    for (const { at, bytes } of answers.slice(0, requests.length))
      found[at] = decode(bodyOf(bytes)).result.points.map((point) => point.id)
    rows.push({ codec, ef, inFlight, recall: recall(found, truth), ...summary(passes) })
  }
  return rows
}
