import { Meter, Section, Table } from '../../parts/basics'
import { bytes } from '../../parts/words'
import { partsOf } from '../../service/memory-parts'
import type { CollectionInfo } from '../../service/types'

/** The parts of a collection in memory, the largest first. */
export function MemoryByPart({ memory }: { memory: CollectionInfo['memory'] }) {
  const parts = partsOf(memory)
  const most = Math.max(1, ...parts.map((part) => part.bytes))
  return (
    <Section title="Memory by part">
      <Table label="Memory by part">
        <thead>
          <tr>
            <th>Part</th>
            <th>In memory</th>
            <th>Size</th>
            <th>Share</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <th scope="row">{part.name}</th>
              <td>{bytes(part.resident)}</td>
              <td>{bytes(part.bytes)}</td>
              <td>
                <Meter share={part.bytes / most} label={`${part.name}: ${bytes(part.bytes)}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
