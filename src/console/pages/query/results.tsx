import { linkTo } from '../../parts/place'
import { digitsApart } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import type { Point, PointId } from '../../service/types'

/** Characters of a payload beside a result. */
const TEXT = 200

interface Parts {
  /** Of the collection. */
  name: string
  points: readonly Point[]
  /** Ids that the query beside this one found. */
  others: readonly PointId[] | null
}

/** Found points with their scores. Beside another query's, points that only this one found are marked. */
export function Results({ name, points, others }: Parts) {
  const scores = digitsApart(points.map(({ score }) => (score === undefined ? null : Number(score))))
  return (
    <ol class="results">
      {points.map(({ id, text_id, payload }, at) => {
        const there = others?.indexOf(id) ?? -1
        return (
          <li key={id}>
            <span class="quiet">{at + 1}</span>
            <span class="text">
              <strong>
                <a href={linkTo(['collections', name, 'points'], { ids: writeJson([id]) })}>{String(text_id ?? id)}</a>
              </strong>{' '}
              <span class="quiet">{textOf(payload)}</span>
            </span>
            <span>
              <span class="score">{scores[at]}</span>{' '}
              {others && (
                <span class={there < 0 ? 'only' : 'quiet'}>{there < 0 ? 'only here' : `there ${there + 1}`}</span>
              )}
            </span>
          </li>
        )
      })}
    </ol>
  )
}

function textOf(payload: Point['payload']): string {
  const fields = Object.entries(payload ?? {}).map(([key, value]) => {
    const text = typeof value === 'string' ? value : writeJson(value)
    return `${key}: ${text.slice(0, TEXT)}`
  })
  return fields.join(' · ').slice(0, TEXT)
}
