import { Meter, Section, Table } from '../../parts/basics'
import { bytes } from '../../parts/words'
import type { Bytes, CollectionInfo } from '../../service/types'

interface Part {
  name: string
  bytes: number
  resident: number
}

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

function partsOf({ vectors, total, process, ...others }: CollectionInfo['memory']): Part[] {
  const parts: Part[] = []
  for (const [vector, held] of Object.entries(vectors)) {
    for (const [what, one] of Object.entries(held)) add(parts, vector ? `${what} of ${vector}` : what, one)
  }
  for (const [what, one] of Object.entries(others)) add(parts, what.replaceAll('_', ' '), one)
  return parts.sort((a, b) => b.bytes - a.bytes)
}

/** Beside the parts there are sums of them, which are plain numbers. */
function add(parts: Part[], name: string, one: unknown): void {
  const found = one as Bytes | null
  if (typeof found?.bytes !== 'number' || found.bytes === 0) return
  parts.push({ name, bytes: found.bytes, resident: found.resident_bytes + found.cache_bytes })
}
