// One request of each kind that takes long, for scripts/deadlines.mjs and test/contract/deadlines.test.ts.

const CONDITIONS = 65_000
/** Payloads: `kind` of few values, `group` of many, `n` unlike in each. `kind` and `n` have an index. */
export const payloadOf = (at) => ({
  kind: `kind ${at % 7}`,
  group: at % 5_000,
  n: at,
  text: `some words of text number ${at}`,
})

const list = (length, one) => Array.from({ length }, (_, at) => one(at))
const conditions = (count) => ({ must_not: list(count, (at) => ({ key: `absent${at}`, match: { value: 'a' } })) })
/** A sum of 8 sums of 8 sums of 8 products. */
const sums = (depth) => (depth === 0 ? { mult: ['$score', { abs: 'n' }] } : { sum: list(8, () => sums(depth - 1)) })

/** Returns, by name, the path below the collection and the body of each request. */
export function dearRequests(dim) {
  const vector = (seed) => list(dim, (at) => Math.sin(seed + at))
  const exact = { params: { exact: true } }
  const tree = (depth) => {
    const stage = { query: vector(depth), limit: 500 }
    return depth === 0
      ? { ...stage, ...exact, filter: conditions(100) }
      : { ...stage, prefetch: list(3, () => tree(depth - 1)) }
  }
  const filter = conditions(CONDITIONS)
  const among = (count, at) => list(count, (other) => `absent ${at} ${other}`)
  const anyOf = list(100, (at) => ({ key: 'text', match: { any: among(6_000, at) } }))
  return {
    'conditions, counted': ['points/count', { filter }],
    'conditions, searched': ['points/query', { query: vector(1), filter, ...exact }],
    'conditions, scrolled': ['points/scroll', { filter, limit: 10_000 }],
    'conditions in conditions': ['points/count', { filter: { must: list(400, () => conditions(150)) } }],
    'match lists': ['points/count', { filter: { min_should: { conditions: anyOf, min_count: 1 } } }],
    'prefetch tree': ['points/query', tree(5)],
    'prefetches with filters': [
      'points/query',
      { prefetch: list(100, (at) => ({ query: vector(at), filter: conditions(600) })), query: { fusion: 'rrf' } },
    ],
    'formula tree': ['points/query', { prefetch: { query: vector(1), limit: 50_000 }, query: { formula: sums(3) } }],
    'formula of conditions': [
      'points/query',
      {
        prefetch: { query: vector(1), limit: 10_000 },
        query: { formula: { sum: ['$score', ...conditions(900).must_not] } },
      },
    ],
    groups: [
      'points/query/groups',
      { query: vector(1), group_by: 'group', limit: 500, group_size: 10, filter: conditions(20_000) },
    ],
    facet: ['facet', { key: 'kind', filter }],
    matrix: ['points/search/matrix/pairs', { sample: 2_000, limit: 30, filter: conditions(20_000) }],
    'scroll with order_by': ['points/scroll', { order_by: 'n', limit: 10_000, filter }],
    batch: ['points/query/batch', { searches: list(1_000, (at) => ({ query: vector(at), limit: 1_000, ...exact })) }],
    'batch with filters': [
      'points/query/batch',
      { searches: list(600, (at) => ({ query: vector(at), filter: conditions(100) })) },
    ],
  }
}
