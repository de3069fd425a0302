"""The demo's speakers, and the conversion of a prosodic intention into settings of the synthesiser.

A cue is a number in standard units relative to the speaker's own base; ``realise`` turns cues into the integers and
rounded decimals that the synthesiser accepts, and returns the cues that these settings represent, so that whatever
depends on them depends on the signal alone.
"""

from dataclasses import dataclass

import numpy as np

from scaling_ambiguity.seeds import derive_seed, generator

CUES = ("pitch", "range", "rate", "loudness", "tilt")
GROUPS = ("deep", "high", "elder", "accented")

GROUP_SHARES = {
    "home": (0.25, 0.25, 0.25, 0.25),
    "foreign": (0.44, 0.44, 0.06, 0.06),  # two groups are rare where the tiny model learns
}

# espeak-ng's voice variants; those of the two pools are disjoint
VARIANTS = {
    "home": {
        "deep": ("m1", "m5", "david", "robert"),
        "high": ("f1", "f4", "belinda", "linda"),
        "elder": ("grandpa", "grandma", "boris"),
        "accented": ("m7", "f5", "victor", "aunty"),
    },
    "foreign": {
        "deep": ("m2", "m3", "m4", "m6", "adam", "edward", "john", "paul"),
        "high": ("f2", "f3", "anika", "Annie", "steph", "shelby", "Andrea", "Alicia"),
        "elder": ("quincy", "norbert", "gustave"),
        "accented": ("m8", "steph2", "marcelo", "pablo"),
    },
}
ACCENTS = ("en-gb-scotland", "en-029", "en-gb-x-gbclan")

BASE_PITCH = {"deep": 40, "high": 52, "elder": 42, "accented": 46}  # espeak-ng's 0-99; 4 steps are a semitone
BASE_SPEED = {"deep": 172, "high": 176, "elder": 158, "accented": 174}  # words per minute
HABIT_SPREAD = 0.3
PITCH_STEP, SPEED_STEP, LEVEL_STEP, TILT_STEP = 10.0, 0.16, 4.0, -0.3
RANGE_BASE, RANGE_STEP = 90.0, 45.0
LEVEL_BASE = -26.0  # dB below full scale, root mean square


@dataclass(frozen=True)
class Speaker:
    """A speaker: voice, base pitch (0-99), speed (words per minute) and habit (5 cues, standard units)."""

    name: str
    group: str
    voice: str
    pitch: int
    speed: int
    habit: np.ndarray


def sample_speakers(world: str, count: int, seed: int, pool: str) -> list[Speaker]:
    """Return ``count`` speakers named ``{world}_s01`` ...; speaker k is the same for every ``count`` > k."""
    offset = derive_seed("voices", world)
    speakers, dealt = [], dict.fromkeys(GROUPS, 0)
    for number in range(count):
        # the group furthest below its share comes next
        lag = [share * (number + 1) - dealt[group] for group, share in zip(GROUPS, GROUP_SHARES[pool], strict=True)]
        group = GROUPS[int(np.argmax(np.round(lag, 9)))]
        variants = VARIANTS[pool][group]
        variant = variants[(offset + dealt[group]) % len(variants)]
        accent = ACCENTS[(offset + dealt[group]) % len(ACCENTS)] if group == "accented" else "en-us"
        dealt[group] += 1
        draw = generator(seed, "speaker", world, number)
        speakers.append(
            Speaker(
                name=f"{world}_s{number + 1:02d}",
                group=group,
                voice=f"{accent}+{variant}",
                pitch=int(BASE_PITCH[group] + draw.integers(-6, 7)),
                speed=int(BASE_SPEED[group] + draw.integers(-8, 9)),
                habit=draw.normal(0, HABIT_SPREAD, len(CUES)),
            )
        )
    return speakers


def realise(speaker: Speaker, intended: np.ndarray) -> tuple[dict[str, object], np.ndarray]:
    """Return the synthesiser's settings for intended cues (5,), and the cues (5,) that the settings represent.

    Settings: voice, espeak_pitch (0-99), espeak_range (%), espeak_speed (words per minute), level (dB re full scale,
    root mean square), tilt (first-order filter coefficient in [-0.7, 0.7]; negative is brighter). Rounding and the
    synthesiser's limits are reflected in the cues.
    """
    pitch = int(np.clip(round(speaker.pitch + PITCH_STEP * intended[0]), 0, 99))
    width = int(np.clip(round(RANGE_BASE + RANGE_STEP * intended[1]), 5, 200))
    speed = int(np.clip(round(speaker.speed * np.exp(SPEED_STEP * intended[2])), 100, 260))
    level = float(np.clip(round(LEVEL_BASE + LEVEL_STEP * intended[3], 1), -40, -14))
    tilt = float(np.clip(round(TILT_STEP * intended[4], 3), -0.7, 0.7))
    realised = np.array(
        [
            (pitch - speaker.pitch) / PITCH_STEP,
            (width - RANGE_BASE) / RANGE_STEP,
            np.log(speed / speaker.speed) / SPEED_STEP,
            (level - LEVEL_BASE) / LEVEL_STEP,
            tilt / TILT_STEP,
        ]
    )
    settings = {
        "voice": speaker.voice,
        "espeak_pitch": pitch,
        "espeak_range": width,
        "espeak_speed": speed,
        "level": level,
        "tilt_coefficient": tilt,
    }
    return settings, realised
