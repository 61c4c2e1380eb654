/** A share between 0 and 1 as a bar. The number is shown beside it as text. */
export function Bar({ share }: { share: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-back" width="100" height="4" />
      <rect class="bar-fill" width={Math.max(0, Math.min(1, share)) * 100} height="4" />
    </svg>
  );
}
