"""The settings of one AmbER2 system: roles, fusion and loss, checked for parts that could never learn."""

from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from scaling_ambiguity.errors import UserError
from scaling_ambiguity.settings import Settings

SPEECH, TEXT, BOTH = "speech", "text", "both"
MODALITIES = (SPEECH, TEXT)
ROLES = (BOTH, *MODALITIES)
COMPOSED = ("late", "product", "stack")  # fusions of the predictions of both modalities, not of their vectors


class StopGradient(Settings):
    """Through which parts of the modality term no gradient flows.

    Attributes:
        p: The distributions of the experts.
        u: Their weights.
    """

    p: bool = True
    u: bool = True


class LossSettings(Settings):
    """The terms of the loss, see :class:`~.losses.Objective`.

    Attributes:
        rater: Divergence from the labels; None: the loss of the protocol.
        lambda_r: Weight of the student's divergence from the labels.
        lambda_m: Weight of the student's divergence from the experts; published: .3, .5 or .7.
        experts_own: Weight of the experts' divergence from the labels; as published literally: 0.
        weights: Weights u of the experts: by `reliability`, exp(-kappa JS(p_m || y)), the published one; `uniform`;
            by `entropy`, exp(-kappa H(p_m)), which reads no label.
        kappa: Sharpness of the weights per nat; published: 2, 4 or 8.
        stop_gradient: As published literally, none is stopped.
        class_balance: beta of weights by effective numbers (Cui et al. 2019, arXiv 1901.05555), in [0, 1); 0: none.
        targets: Distributions of `votes`, or their `majority`, ties shared.
    """

    rater: Literal["nll", "kl", "jsd"] | None = None
    lambda_r: float = Field(default=1.0, ge=0)
    lambda_m: float = Field(default=0.5, ge=0)
    experts_own: float = Field(default=1.0, ge=0)
    weights: Literal["reliability", "uniform", "entropy"] = "reliability"
    kappa: float = Field(default=4.0, ge=0)
    stop_gradient: StopGradient = StopGradient()
    class_balance: float = Field(default=0.0, ge=0, lt=1)
    targets: Literal["votes", "majority"] = "votes"


class Amber2Settings(Settings):
    """An entry of ``peers`` of kind `amber2`.

    Attributes:
        speech, text: Encoders whose vectors it reads.
        student: What the student reads; the experts are the other two.
        fusion: How both are joined: `gated`, a gated multimodal unit; `scalar`, one gate per item; `concat`; or, of
            the predictions of both modalities, `late` (mean), `product` (of experts) and `stack` (linear in logits).
        hidden: Widths of the hidden layers of each head; the first is that of the gated units too.
        dropout: After each hidden layer.
        activation: Of the hidden layers; published: `relu`.
        modality_dropout: Probability that the fusion is trained without speech, and that it is without text.
        loss: The loss.
    """

    speech: str
    text: str
    student: Literal["both", "speech", "text"] = "both"
    fusion: Literal["gated", "scalar", "concat", "late", "product", "stack"] = "gated"
    hidden: tuple[PositiveInt, ...] = Field(default=(256,), min_length=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    activation: Literal["relu", "gelu"] = "relu"
    modality_dropout: float = Field(default=0.0, ge=0, lt=0.5)
    loss: LossSettings = LossSettings()

    @classmethod
    def of(cls, model: str, entry: dict[str, Any]) -> Self:
        """Return the settings of a model, ``entry`` being its entry of ``peers`` without ``kind``.

        Raises:
            UserError: A key is not accepted, or a part of the system could never learn; model and remedy are named.
        """
        where = f"peers.{model}"
        try:
            return cls.read(entry, where)
        except UserError as error:
            raise UserError(str(error) if where in str(error) else f"{where}: {error}") from error

    @property
    def experts(self) -> tuple[str, ...]:
        """The roles that the student is compared with; none without the modality term."""
        return tuple(role for role in ROLES if role != self.student) if self.loss.lambda_m else ()

    @property
    def composed(self) -> bool:
        """Whether `both` is made of the predictions of the modalities."""
        return self.fusion in COMPOSED

    @property
    def heads(self) -> tuple[str, ...]:
        """The roles that have a head of their own, the student's first."""
        roles = (self.student, *self.experts)
        if not self.composed or BOTH not in roles:
            return roles
        parts = tuple(role for role in roles if role != BOTH)
        return parts + tuple(modality for modality in MODALITIES if modality not in parts)

    @property
    def taught(self) -> tuple[str, ...]:
        """The roles beside the student to which ``experts_own`` applies."""
        return tuple(role for role in self.heads if role != self.student)

    @model_validator(mode="after")
    def _every_part_can_learn(self) -> Self:
        loss, through_student = self.loss, self.composed and self.student == BOTH and self.loss.lambda_r > 0
        if not loss.lambda_r and not loss.experts_own:
            raise ValueError(
                "no label would reach the model: `loss.lambda_r` and `loss.experts_own` are 0. Raise one of them."
            )
        untrained = not (loss.lambda_r or loss.lambda_m)
        if untrained and (self.student != BOTH or self.fusion not in ("late", "product")):
            raise ValueError(
                "the student would never learn: `loss.lambda_r` and `loss.lambda_m` are 0. Raise one of them."
            )
        if self.experts and not loss.experts_own and loss.stop_gradient.p and not through_student:
            raise ValueError(
                "the experts would never learn: no gradient reaches their distributions. Set `loss.experts_own: 1`, "
                "or `loss.stop_gradient: {p: false}` as in the published form."
            )
        return self
