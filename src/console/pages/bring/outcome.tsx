import { Section, Table, Tile } from '../../parts/basics'
import { whole } from '../../parts/words'
import type { Brought } from '../../service/bring'

/** What became of the rows, and each that is not stored, by its reason. */
export function Outcome({ brought, isDone }: { brought: Brought; isDone: boolean }) {
  const { accepted, rejected, quarantined, fixed, flagged, position, by_rule, errors } = brought
  return (
    <Section title={isDone ? 'Done' : 'Under way'}>
      <div class="tiles" aria-live="polite">
        <Tile name="Rows read" value={whole(position)} />
        <Tile name="Stored" value={whole(accepted)} />
        <Tile name="Refused" value={whole(rejected)} />
        {quarantined !== undefined && <Tile name="In quarantine" value={whole(quarantined)} />}
        {fixed !== undefined && <Tile name="Mended" value={whole(fixed)} />}
        {flagged !== undefined && <Tile name="Flagged" value={whole(flagged)} />}
        {Object.entries(by_rule ?? {}).map(([rule, count]) => (
          <Tile key={rule} name={`Rule ${rule}`} value={whole(count)} />
        ))}
      </div>
      {errors.length > 0 && (
        <Table label="Rows that are not stored">
          <thead>
            <tr>
              <th>Row</th>
              <th>Reason</th>
              <th>Column</th>
              <th>What became of it</th>
            </tr>
          </thead>
          <tbody>
            {errors.map(({ row, error, field, rule, action }) => (
              <tr key={row}>
                <th scope="row">{whole(row)}</th>
                <td>{error}</td>
                <td>{field ?? '–'}</td>
                <td>{action === 'quarantine' ? `quarantine, by rule ${rule}` : 'refused'}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  )
}
