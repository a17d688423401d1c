import { Code } from '../../parts/code'
import { lineOf, type Mapping } from '../../service/mapping'
import type { Row } from '../../service/row'

interface Parts {
  columns: readonly string[]
  first: readonly Row[]
  mapping: Mapping
  vectors: readonly string[]
  onChange: (mapping: Mapping) => void
}

const NUMBERS = 'Number the rows'
const NONE = 'None'
/** Characters of a row that are shown: vectors are long. */
const CHARS = 400

/** Chooses the use of each column, and shows the first rows as they will be stored. */
export function Columns({ columns, first, mapping, vectors, onChange }: Parts) {
  const named = (vector: string, column: string) => {
    const { [vector]: _, ...others } = mapping.vectors
    onChange({ ...mapping, vectors: column === NONE ? others : { ...others, [vector]: column } })
  }
  return (
    <>
      {mapping.asPoints ? (
        <p>The rows are points as the API has them, and are stored as they are.</p>
      ) : (
        <div class="row">
          <label>
            Ids
            <select
              value={mapping.id ?? NUMBERS}
              onChange={({ currentTarget: { value } }) =>
                onChange({ ...mapping, id: value === NUMBERS ? null : value })
              }
            >
              {[NUMBERS, ...columns].map((column) => (
                <option key={column}>{column}</option>
              ))}
            </select>
          </label>
          {vectors.map((vector) => (
            <label key={vector}>
              Vector {vector || '(unnamed)'}
              <select
                value={mapping.vectors[vector] ?? NONE}
                onChange={({ currentTarget: { value } }) => named(vector, value)}
              >
                {[NONE, ...columns].map((column) => (
                  <option key={column}>{column}</option>
                ))}
              </select>
            </label>
          ))}
        </div>
      )}
      <Code
        label="First rows as they will be stored"
        text={first.map((row, at) => shown(row, at, mapping)).join('\n')}
      />
    </>
  )
}

function shown(row: Row, at: number, mapping: Mapping): string {
  if (row.fault !== undefined) return `Row ${at + 1} is refused: ${row.fault}`
  const text = lineOf(row, at, mapping)
  return text.length <= CHARS ? text : `${text.slice(0, CHARS)} …`
}
