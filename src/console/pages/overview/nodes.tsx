import { useRef } from 'preact/hooks'
import { ErrorLine, Section, Status, Table } from '../../parts/basics'
import { short } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { ask } from '../../service/session'

/** Each look is a line of the audit log. */
const LOOK_EVERY_MS = 60_000

interface Cluster {
  vicinal?: {
    owner: string | null
    nodes: { id: string; url: string | null; roles: string[]; lag_seconds: number | null }[]
  }
}

/** The nodes on the same store, where there is one. */
export function Nodes() {
  const before = useRef<Cluster | null>(null)
  const cluster = useAsked(
    async (signal) => {
      // A service without a store never gets other nodes.
      if (!before.current || before.current.vicinal)
        before.current = await ask<Cluster>('GET', '/cluster', undefined, signal)
      return before.current
    },
    [],
    LOOK_EVERY_MS,
  )
  const nodes = cluster.value?.vicinal
  if (cluster.error) return <ErrorLine error={new Error(`Nodes: ${cluster.error.message}`)} />
  if (!nodes) return null
  return (
    <Section title="Nodes">
      <Table label="Nodes">
        <thead>
          <tr>
            <th>Node</th>
            <th>Address</th>
            <th>Roles</th>
            <th>Behind by</th>
          </tr>
        </thead>
        <tbody>
          {nodes.nodes.map(({ id, url, roles, lag_seconds }) => (
            <tr key={id}>
              <th scope="row">
                {id} {id === nodes.owner && <Status status="owner" />}
              </th>
              <td>{url ?? '–'}</td>
              <td>{roles.join(', ')}</td>
              <td>{lag_seconds === null ? '–' : `${short(lag_seconds)} s`}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  )
}
