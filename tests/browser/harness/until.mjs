// Waiting for something that another program does. Nothing in these tests waits for a time, only for a condition.

const LOOK_MILLISECONDS = 30;

/**
 * What `probe` answers once that is neither false nor empty. `what` completes "… does not happen: ". The seconds only end
 * what hangs; a text message whose first attempts fail takes two minutes.
 */
export async function until(what, probe, seconds = 240) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`does not happen within ${seconds} s: ${what}`);
    await new Promise(resolve => { setTimeout(resolve, LOOK_MILLISECONDS); });
  }
}
