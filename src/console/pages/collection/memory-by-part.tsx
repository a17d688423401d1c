import { Meter, Section, Table } from '../../parts/basics'
import { bytes } from '../../parts/words'
import { type Part, partsOf } from '../../service/memory-parts'
import type { CollectionInfo } from '../../service/types'

/** The parts of a collection by their bytes in memory, as the overview has them. */
export function MemoryByPart({ memory }: { memory: CollectionInfo['memory'] }) {
  const parts = partsOf(memory)
  const most = Math.max(1, ...parts.map((part) => part.resident))
  return (
    <Section title="Memory by part">
      <Table label="Memory by part">
        <thead>
          <tr>
            <th>Part</th>
            <th>
              In memory <span class="quiet small">resident now</span>
            </th>
            <th>Share</th>
            <th>
              Size <span class="quiet small">all of it, in memory or in files</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <th scope="row">{part.name}</th>
              <td>{bytes(part.resident)}</td>
              <td>
                <Meter share={part.resident / most} label={`${part.name}: ${bytes(part.resident)} in memory`} />
              </td>
              <td>{bytes(part.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {notesOn(parts).map((note) => (
        <p key={note} class="quiet small">
          {note}
        </p>
      ))}
    </Section>
  )
}

/** Explains counts that look wrong. */
function notesOn(parts: readonly Part[]): string[] {
  const isLeftToFiles = parts.some(({ kind, resident, bytes }) => kind === 'vectors' && resident < bytes)
  const isRounded = parts.some(({ resident, bytes }) => resident > bytes)
  return [
    ...(isLeftToFiles
      ? ['A scan of vectors that lie in files gives their memory back at once, if they are cold or memory is limited.']
      : []),
    ...(isRounded ? ['Memory is counted in whole pages, so a small part may take more than its size.'] : []),
  ]
}
