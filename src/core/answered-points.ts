/**
 * Points as answers have them. Their types follow the options: `payload` and `vector` are there if the options ask for
 * them, optional if the type of the options leaves it open, and not there otherwise.
 */
import type { Payload, PointId, RawJson, StoredVector } from './point.js'
import type { SearchMatrix } from './query.js'
import type { QueryPlan } from './query-plan.js'
import type { WithPayload, WithVector } from './read-options.js'

/** The options that the type of an answer follows. */
export interface AskedParts<W extends WithPayload, V extends WithVector, Raw extends boolean> {
  /** Whether payloads are returned, or the keys to include or exclude. */
  withPayload?: W
  /** Whether vectors are returned, or the names of those to return. */
  withVector?: V
  /** Whether payloads are RawJson. */
  rawPayload?: Raw
}

/** A point as it is read. */
export type StoredPoint<
  P = Payload,
  W extends WithPayload = WithPayload,
  V extends WithVector = WithVector,
  Raw extends boolean = boolean,
> = AnsweredPoint & PayloadPart<P, W, Raw> & VectorPart<V>

/** A point of a query's answer. */
export type Hit<
  P = Payload,
  W extends WithPayload = WithPayload,
  V extends WithVector = WithVector,
  Raw extends boolean = boolean,
> = StoredPoint<P, W, V, Raw> & Scored

/** The hits of a query of these options. */
export type HitOf<P, Q> = Hit<
  P,
  Extract<AskedPart<Q, 'withPayload', true>, WithPayload>,
  Extract<AskedPart<Q, 'withVector', false>, WithVector>,
  Extract<AskedPart<Q, 'rawPayload', false>, boolean>
>

/** The type of an option; the default where it may be left out. */
export type AskedPart<Q, Name extends string, Default> = Q extends { readonly [N in Name]?: infer Asked }
  ? Name extends keyof Q
    ? undefined extends Q[Name]
      ? NonNullable<Asked> | Default
      : NonNullable<Asked>
    : Default
  : Default

/** The fields of every point that is read. */
export interface AnsweredPoint {
  /** A number up to 2^53, a bigint beyond, or a lower-case UUID. */
  id: PointId
  /** The value by which the point was ordered; a date-time is in microseconds since 1970. */
  orderValue?: number | bigint
}

/** The fields of every hit. */
export interface Scored {
  /** Sequence number of the point's last change. */
  version: number
  /** For Cosine and Dot greater is nearer; for Euclid and Manhattan it is the distance, and smaller is nearer. */
  score: number
}

/** `{}` if the point has none; absent if `withPayload` is false. RawJson if `rawPayload` is set. */
export type PayloadPart<P, W extends WithPayload, Raw extends boolean> = [W] extends [false]
  ? unknown
  : false extends W
    ? { payload?: P }
    : { payload: [Raw] extends [true] ? RawJson : W extends true ? P : Partial<P> }

/** The unnamed vector, or a record of the present vectors by name. Absent unless `withVector` is set. */
export type VectorPart<V extends WithVector> = [V] extends [false | readonly []]
  ? unknown
  : [V] extends [true | readonly [string, ...string[]]]
    ? { vector: StoredVector | Record<string, StoredVector> }
    : { vector?: StoredVector | Record<string, StoredVector> }

/** The points of one group. */
export interface PointGroup<
  P = Payload,
  W extends WithPayload = WithPayload,
  V extends WithVector = WithVector,
  Raw extends boolean = boolean,
> {
  /** The group's value of `groupBy`. */
  id: string | number | bigint
  /** The best points of the group, best first. */
  hits: Hit<P, W, V, Raw>[]
  /** With `withLookup`: the point whose id is the group's value; null if there is none. */
  lookup?: StoredPoint | null
}

/** The answer of a query, and its plan. */
export interface Explained<
  P = Payload,
  W extends WithPayload = WithPayload,
  V extends WithVector = WithVector,
  Raw extends boolean = boolean,
> {
  /** The best points, best first. */
  hits: Hit<P, W, V, Raw>[]
  /** How they were found, and at which cost. */
  plan: QueryPlan
}

/** The answer of a query of these options, and its plan. */
export interface ExplainedOf<P, Q> extends Pick<Explained<P>, 'plan'> {
  /** The best points, best first. */
  hits: HitOf<P, Q>[]
}

/** The groups of a query, and its plan. */
export interface ExplainedGroups<
  P = Payload,
  W extends WithPayload = WithPayload,
  V extends WithVector = WithVector,
  Raw extends boolean = boolean,
> {
  /** The best groups, best first. */
  groups: PointGroup<P, W, V, Raw>[]
  /** How they were found, and at which cost. */
  plan: QueryPlan
}

/** A search matrix, and its plan. */
export interface ExplainedMatrix extends SearchMatrix {
  /** How the pairs were found, and at which cost. */
  plan: QueryPlan
}

/** A page of points. */
export interface ScrollPage<P = Payload> {
  /** The points of the page. */
  points: StoredPoint<P>[]
  /** The `offset` of the next page; null after the last page. */
  nextOffset: PointId | null
}
