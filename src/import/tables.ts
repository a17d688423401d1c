import type { ArrowField } from '../readers/arrow/schema.js'
import type { RowColumns, VectorShape } from '../readers/rows.js'
import type { SourceShape } from './source.js'

const PAYLOAD_COLUMN = 'payload'

/** The shape of a table with these columns, of which some may hold vectors. */
export function tableShape(
  fields: readonly ArrowField[],
  vectors: ReadonlyMap<string, VectorShape>,
  rows: number | null,
): SourceShape {
  const known = new Map([...vectors].filter(([, { kind, size }]) => kind === 'sparse' || size > 0))
  const columns = fields.map(({ name }) => name)
  const payload = fields.find(({ name }) => name === PAYLOAD_COLUMN)
  // Only exported points have all of their payload in one text.
  const others = columns.filter((name) => name !== 'id' && name !== PAYLOAD_COLUMN && !vectors.has(name))
  const isPoints = payload !== undefined && /utf8/.test(payload.kind) && others.length === 0
  return { columns, vectors: known, isPoints, rows }
}

/** The choice, with the column of whole payloads where the table has one. */
export function withPayload(choice: RowColumns, { isPoints }: SourceShape): RowColumns {
  return { ...choice, payload: isPoints ? PAYLOAD_COLUMN : null }
}
