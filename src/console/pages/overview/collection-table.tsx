import { useState } from 'preact/hooks'
import { Status, Table } from '../../parts/basics'
import { linkTo } from '../../parts/place'
import { bytes, percent, whole } from '../../parts/words'
import type { Column, Row } from './rows'

/** Rows shown at first: a table of all of 10,000 collections takes a browser seconds. */
const ROWS = 200

const COLUMNS: readonly [Column, string][] = [
  ['name', 'Collection'],
  ['points', 'Points'],
  ['vectors', 'Vectors'],
  ['indexed', 'Indexed'],
  ['resident', 'Memory'],
  ['disk', 'Disk'],
  ['status', 'Status'],
]

interface TableParts {
  rows: Row[]
  order: Column
  onOrder: (by: Column) => void
}

export function CollectionTable({ rows, order, onOrder }: TableParts) {
  const [most, setMost] = useState(ROWS)
  return (
    <>
      <Table label="Collections">
        <thead>
          <tr>
            {COLUMNS.map(([column, text]) => (
              <th key={column} aria-sort={order === column ? (column === 'name' ? 'ascending' : 'descending') : 'none'}>
                <button type="button" class="plain" onClick={() => onOrder(column)}>
                  {text}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, most).map((row) => (
            <CollectionRow key={row.name} row={row} />
          ))}
        </tbody>
      </Table>
      {rows.length > most && (
        <button type="button" onClick={() => setMost(most + 10 * ROWS)}>
          Show more of {whole(rows.length)}
        </button>
      )}
    </>
  )
}

const told = (value: number | undefined, text: (value: number) => string) => (value === undefined ? '–' : text(value))

function CollectionRow({ row }: { row: Row }) {
  const { name, points, vectors, indexed, resident, disk, diskParts, status } = row
  const parts = diskParts?.map(([part, of]) => `${part} ${bytes(of)}`).join(', ')
  return (
    <tr>
      <th scope="row">
        <a href={linkTo(['collections', name])}>{name}</a>
      </th>
      <td>{told(points, whole)}</td>
      <td>{told(vectors, whole)}</td>
      <td>{vectors ? percent((indexed ?? 0) / vectors) : '–'}</td>
      <td>{told(resident, bytes)}</td>
      <td title={parts}>{told(disk, bytes)}</td>
      <td>
        <Status status={status} />
      </td>
    </tr>
  )
}
