// Queries a second of two query processes beside one. Requests are made beforehand: the sender shares the processors.
import { openHttp, request } from '../lib/http.mjs'
import { fill, indexed, makeCollection, percentiles, vectorOf, withPlace } from '../lib/store-nodes.mjs'
import { fixed, round, table } from '../lib/table.mjs'

const QUERIES_OF_LANE = 500

export const measure = ({ rows, seconds, connections }) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('file')
    const owner = await node('owner', { store })
    await makeCollection(owner, 'things')
    await fill(owner, 'things', Number(rows))
    await indexed(owner, 'things')
    const nodes = [
      await node('one', { store, args: ['--role', 'query'] }),
      await node('two', { store, args: ['--role', 'query'] }),
    ]
    for (const one of nodes) await indexed(one, 'things')
    await owner.end('SIGTERM')
    const lines = []
    for (const asked of [[nodes[0]], nodes]) {
      const millis = await load(asked, Number(connections), Number(seconds) * 1000, Number(rows))
      const { p50, p99 } = percentiles(millis)
      lines.push([asked.length, millis.length / Number(seconds), p50, p99])
    }
    const first = lines[0][1]
    return table(
      ['query processes', 'queries/s', '× one', 'p50 ms', 'p99 ms'],
      lines.map(([count, rate, p50, p99]) => [count, round(rate), fixed(rate / first), fixed(p50, 1), fixed(p99, 1)]),
    )
  })

async function load(nodes, connections, ms, rows) {
  const millis = []
  const lane = async (lane) => {
    const { port } = new URL(nodes[lane % nodes.length].url)
    const socket = await openHttp(port)
    const asked = Array.from({ length: QUERIES_OF_LANE }, (_, at) => {
      const query = vectorOf((lane + at * connections) % rows)
      const body = Buffer.from(JSON.stringify({ query, limit: 10 }))
      return request('POST', '/collections/things/points/query', body, 'application/json', port)
    })
    const endMs = performance.now() + ms
    for (let at = 0; performance.now() < endMs; at++) {
      const beforeMs = performance.now()
      const { status } = await socket.send(asked[at % asked.length])
      if (status !== 200) throw new Error(`a query was answered with ${status}`)
      millis.push(performance.now() - beforeMs)
    }
    socket.close()
  }
  await Promise.all(Array.from({ length: connections }, (_, at) => lane(at)))
  return millis
}
