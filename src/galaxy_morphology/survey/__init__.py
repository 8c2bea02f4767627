"""A survey that nobody has labelled: its catalogue, shard by shard, and what that says."""

from galaxy_morphology.survey.appearance import appearance_of
from galaxy_morphology.survey.catalogue import read_shards
from galaxy_morphology.survey.classification import Recipe, SurveyClassifier
from galaxy_morphology.survey.cluster import Cluster, on_cluster
from galaxy_morphology.survey.cutouts import SurveyCutouts
from galaxy_morphology.survey.labelling import label_list, most_instructive
from galaxy_morphology.survey.overview import MARKS, columns_read, has_mark, histogram_of, look_over
from galaxy_morphology.survey.run import make_catalogue, one_after_another
from galaxy_morphology.survey.shards import Plan, plan_survey
from galaxy_morphology.survey.shown import Selection, n_notable, select_shown
from galaxy_morphology.survey.summary import summarise
from galaxy_morphology.survey.unlike import TrainingFeatures, training_features

__all__ = [
    "MARKS",
    "Cluster",
    "Plan",
    "Recipe",
    "Selection",
    "SurveyClassifier",
    "SurveyCutouts",
    "TrainingFeatures",
    "appearance_of",
    "columns_read",
    "has_mark",
    "histogram_of",
    "label_list",
    "look_over",
    "make_catalogue",
    "most_instructive",
    "n_notable",
    "on_cluster",
    "one_after_another",
    "plan_survey",
    "read_shards",
    "select_shown",
    "summarise",
    "training_features",
]
