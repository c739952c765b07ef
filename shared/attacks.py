"""The names of attacks and of their variants, as specs, reports and the attack code use them."""

from enum import StrEnum


class AttackPreset(StrEnum):
    """The attacks, by name; each is documented in the catalogue."""

    CCS21 = "ccs21"
    """Zhang et al. 2021 as its text says; frozen."""
    CCS21_CODE = "ccs21-code"
    """Zhang et al. 2021 as its published code trains; frozen."""
    DIFFERENCE = "difference"
    """The same features and network with sane training."""


class RankWeights(StrEnum):
    """How much each place of a list counts in the user's feature."""

    LINEAR = "linear"
    """w_r = (k - r + 1) / (k(k+1)/2), the paper's."""
    UNIFORM = "uniform"
    """w_r = 1/k."""
    EXPONENTIAL = "exponential"
    """w_r proportional to exp(-5 (r - 1) / k): the first fifth of the list holds 63 % of the weight."""


class AttackModelKind(StrEnum):
    """What turns user features into scores."""

    MLP = "mlp"
    """The paper's network."""
    LOGISTIC = "logistic"
    """Logistic regression with a ridge penalty."""
    K_MEANS = "k-means"
    """Two clusters of the judged users; the shadow only says which of the two is the members'."""


class Factorization(StrEnum):
    """How the item-feature part is factorized."""

    LFM = "lfm"
    """Stochastic gradient descent on 0/1 with sampled negatives, settings as the paper gives for LFM."""
    SVD = "svd"
    """Truncated singular value decomposition of the 0/1 matrix: the items' right singular vectors."""
