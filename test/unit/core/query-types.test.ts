/** Types of queries that are written by hand have the keys of their declarations, and take what is read by them. */
import type { Static } from 'typebox'
import { expect, it } from 'vitest'
import type * as query from '../../../src/core/query.js'
import type * as scroll from '../../../src/core/scroll.js'

type SameKeys<Declared, Written> = [keyof Declared, keyof Written] extends [keyof Written, keyof Declared]
  ? true
  : false
type Takes<Declared, Written> = Declared extends Written ? true : false
type Held<Declared, Written> = [SameKeys<Declared, Written>, Takes<Declared, Written>]

const HELD: [true, true][] = [
  [true, true] satisfies Held<Static<typeof query.QueryOptions>, query.QueryOptions>,
  [true, true] satisfies Held<Static<typeof query.QueryGroupsOptions>, query.QueryGroupsOptions>,
  [true, true] satisfies Held<Static<typeof query.Prefetch>, query.Prefetch>,
  [true, true] satisfies Held<Static<typeof query.WithLookup>, query.WithLookup>,
  [true, true] satisfies Held<Static<typeof query.OrderBy>, query.OrderBy>,
  [true, true] satisfies Held<Static<typeof query.FacetOptions>, query.FacetOptions>,
  [true, true] satisfies Held<Static<typeof query.SearchMatrixOptions>, query.SearchMatrixOptions>,
  [true, true] satisfies Held<Static<typeof query.NearestQuery>, query.NearestQuery>,
  [true, true] satisfies Held<Static<typeof query.RecommendQuery>, query.RecommendQuery>,
  [true, true] satisfies Held<Static<typeof query.DiscoverQuery>, query.DiscoverQuery>,
  [true, true] satisfies Held<Static<typeof query.ContextQuery>, query.ContextQuery>,
  [true, true] satisfies Held<Static<typeof query.RrfQuery>, query.RrfQuery>,
  [true, true] satisfies Held<Static<typeof query.FormulaQuery>, query.FormulaQuery>,
  [true, true] satisfies Held<Static<typeof query.RelevanceFeedbackQuery>, query.RelevanceFeedbackQuery>,
  [true, true] satisfies Held<Static<typeof scroll.ScrollOptions>, scroll.ScrollOptions>,
  [true, true] satisfies Held<Static<typeof scroll.RetrieveOptions>, scroll.RetrieveOptions>,
  [true, true] satisfies Held<Static<typeof scroll.CountOptions>, scroll.CountOptions>,
]

it('are held equal by the compiler', () => {
  expect(HELD.flat().every(Boolean)).toBe(true)
})
