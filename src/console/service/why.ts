/** What is asked of a query that did not return a point, and what is answered. */
import type { CollectionInfo, PointId, QueryAnswer } from './types'

export type Body = Record<string, unknown>

/** A change of the query that has the point returned. */
export interface Change {
  name: string
  apply(body: Body): Body
}

export interface Reason {
  /** In one sentence. */
  verdict: string
  /** Findings, in the order of the questions. */
  facts: string[]
  changes: Change[]
}

export interface Asked {
  path: string
  info: CollectionInfo
  /** As it was sent. */
  body: Body
  answer: QueryAnswer
  id: PointId
  signal: AbortSignal
}
