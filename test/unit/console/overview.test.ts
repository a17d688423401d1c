/** The numbers of the console's overview, from metrics as the service writes them. */
import { expect, it } from 'vitest'
import { type Looks, recentReads, sinceStart, withLook } from '../../../src/console/pages/overview/looks.js'
import { closedIn, measuredRows, sorted, troublesIn } from '../../../src/console/pages/overview/rows.js'
import { metricsOf } from '../../../src/console/service/metrics-text.js'

const open = (name: string, of: Record<string, number>) =>
  Object.entries({
    points: 3,
    vectors: 3,
    indexed_vectors: 3,
    resident_bytes: 9,
    red: 0,
    yellow: 0,
    warnings: 0,
    ...of,
  })
    .map(([metric, value]) => `collection_${metric}{id="${name}"} ${value}`)
    .join('\n')
const METRICS = metricsOf(
  [
    open('whole', {}),
    open('behind', { yellow: 1, indexed_vectors: 1 }),
    open('failing', { red: 1, warnings: 1 }),
    open('warned', { warnings: 2 }),
    'collection_red{id="broken"} 1',
    'collection_points{id="shut"} 7',
    'collection_disk_bytes{id="whole",part="log"} 1',
    'collection_disk_bytes{id="whole",part="table"} 2',
  ].join('\n'),
)
const NAMES = ['behind', 'broken', 'failing', 'shut', 'warned', 'whole']

it('a row tells whether a collection is red, behind, or closed', () => {
  const statuses = measuredRows(NAMES, METRICS).map(({ name, status }) => [name, status])
  expect(Object.fromEntries(statuses)).toEqual({
    behind: 'yellow',
    broken: 'red',
    failing: 'red',
    shut: 'closed',
    warned: 'warns',
    whole: 'green',
  })
  expect(sorted(measuredRows(NAMES, METRICS), 'status').map(({ name }) => name)).toEqual([
    ...['broken', 'failing', 'warned', 'behind', 'whole', 'shut'],
  ])
})

it('a row sums up the parts on disk, and has no numbers that nobody told', () => {
  const rows = measuredRows(NAMES, METRICS)
  expect(rows.at(-1)).toMatchObject({
    disk: 3,
    diskParts: [
      ['log', 1],
      ['table', 2],
    ],
  })
  expect(rows[1]).toMatchObject({ points: undefined, resident: undefined, disk: undefined })
  expect(rows[3]).toMatchObject({ points: 7, resident: undefined })
})

it('closed collections are named, and those counted that no file tells of', () => {
  expect(closedIn(measuredRows([...NAMES, 'never counted'], METRICS))).toEqual({
    names: ['shut', 'never counted'],
    uncounted: 1,
  })
})

const answered = (counts: Record<string, number>) =>
  metricsOf(
    Object.entries(counts)
      .flatMap(([route, count]) => {
        const [method, endpoint] = route.split(' ')
        const labels = `method="${method}",endpoint="/collections/{name}${endpoint}"`
        return ['0.01', '+Inf'].map((le) => `rest_responses_duration_seconds_bucket{${labels},le="${le}"} ${count}`)
      })
      .join('\n'),
  )

it('reads are told from the first look on, and those by id are no writes', () => {
  const before = answered({ 'POST /points/query': 35, 'POST /points': 3, 'PUT /points': 9 })
  expect(sinceStart(before)).toMatchObject({ requests: 47, reads: { requests: 38 } })
  expect(sinceStart(before).reads.p50).not.toBeNull()
  let looks = withLook(null, before, 0)
  expect(recentReads(looks.drawn)).toBeNull()
  const after = answered({
    'POST /points/query': 35,
    'POST /points': 5,
    'GET /points/{id}': 1,
    'PUT /points': 10,
    'POST /points/delete': 1,
  })
  looks = withLook(looks, after, 2)
  expect(looks.drawn.at(-1)).toMatchObject({ reads: { requests: 3 }, writes: { requests: 2 } })
  // They stay told for a minute.
  looks = withLook(looks, after, 4)
  expect(recentReads(looks.drawn)).toMatchObject({ requests: 3 })
  for (let at = 6; at < 70; at += 2) looks = withLook(looks, after, at)
  expect(recentReads(looks.drawn)).toBeNull()
})

it('warnings are asked for anew once others are there', () => {
  expect(troublesIn(METRICS)).toBe('failing 1\nbroken 1\nfailing 1\nwarned 2')
  expect(troublesIn(metricsOf(open('whole', {})))).toBe('')
})

it('looks keep the metrics of the last one alone, and five minutes of numbers', () => {
  let looks: Looks | null = null
  for (let at = 0; at < 200; at++) {
    const bucket = `method="POST",endpoint="/collections/{name}/points/query",le="+Inf"`
    looks = withLook(looks, metricsOf(`rest_responses_duration_seconds_bucket{${bucket}} ${10 * at}`), 2 * at)
  }
  expect(looks?.drawn).toHaveLength(150)
  expect(looks?.drawn.at(-1)).toMatchObject({ perSecond: 5, reads: { requests: 10 } })
  const kept = new Set((looks?.drawn ?? []).flatMap((one) => Object.keys(one)))
  expect(kept).toEqual(new Set(['atSeconds', 'perSecond', 'reads', 'writes']))
})
