import { Section, Table } from '../../parts/basics'
import { bytes, percent, short, whole } from '../../parts/words'
import { type Bytes, type CollectionInfo, vectorsOf } from '../../service/types'

/** Each vector with the recall of its queries and the size of its index. */
export function Vectors({ info }: { info: CollectionInfo }) {
  const vectors = Object.entries(vectorsOf(info))
  const sparse = Object.keys(info.config.params.sparse_vectors ?? {})
  if (vectors.length + sparse.length === 0) return null
  return (
    <Section title="Vectors">
      <Table label="Vectors">
        <thead>
          <tr>
            <th>Name</th>
            <th>Dimensions</th>
            <th>Distance</th>
            <th>Index</th>
            <th>Recall asked</th>
            <th>Recall measured</th>
          </tr>
        </thead>
        <tbody>
          {vectors.map(([name, { size, distance }]) => (
            <tr key={name}>
              <th scope="row">{name || 'unnamed'}</th>
              <td>{whole(size)}</td>
              <td>{distance}</td>
              <td>{indexText(info, name)}</td>
              <td>{percent(info.recall[name]?.asked)}</td>
              <td>
                {percent(info.recall[name]?.measured)}{' '}
                <span class="quiet">of {short(info.recall[name]?.queries ?? 0)} queries</span>
              </td>
            </tr>
          ))}
          {sparse.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>sparse</td>
              <td>Dot</td>
              <td>lists by index</td>
              <td>exact</td>
              <td>exact</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}

/** By the bytes of its parts: a vector without a graph is scanned, by its codes where it has some. */
function indexText({ memory }: CollectionInfo, name: string): string {
  const bytesOf = (part: string) => (memory.vectors[name]?.[part] as Bytes | undefined)?.bytes ?? 0
  const [graph, codes] = [bytesOf('graph'), bytesOf('codes')]
  const parts = [
    graph > 0 ? `graph of ${bytes(graph)}` : 'no graph: scanned',
    ...(codes > 0 ? [`codes of ${bytes(codes)}`] : []),
  ]
  return parts.join(', ')
}
